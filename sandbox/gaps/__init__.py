"""Where moto's answers differ from AWS's in ways that Terraform or a verifier would notice.

A function and an entry with its reason for each gap, and nothing else: whole services that moto
lacks have rooms of their own. The room knows ``messaging`` (filter patterns) and ``access``.
"""
