"""A local AWS account: moto, with the parts that moto leaves out.

It stands in for AWS on the loopback interface and knows nothing of what is deployed into it.
Start it with ``python -m sandbox --help``.
"""
