"""Who is told of what: topics, event buses, filters of log events and actions of alarms.

The room knows ``function``, ``access`` and ``metrics``.
"""
