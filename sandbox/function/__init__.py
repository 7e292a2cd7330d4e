"""Lambda functions, run for real in warm processes.

The room knows ``access`` and ``metrics``.
"""
