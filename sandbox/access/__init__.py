"""Who calls, and what they may: principals, policies, and what makes a policy public.

The room knows the ground floor alone.
"""
