"""CloudWatch metrics: data points, embedded metrics, expressions and the states of alarms.

The room knows the ground floor alone. What an alarm brings about is ``sandbox.messaging``'s.
"""
