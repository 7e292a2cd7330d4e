"""A local AWS account: moto, with the parts that moto leaves out.

It stands in for AWS on the loopback interface and knows nothing of what is deployed into it.
Start it with ``python -m sandbox --help``.

On the ground floor lies what every room shares: settings, clock, scheduler, world, regions,
controls (``sandbox.control``) and how moto's parts are replaced (``sandbox.replacement``). The
rooms know each other in one direction, from the left to the right::

    front -> trail -> messaging -> function -> access, metrics
    front -> gaps  -> messaging

Each room says in its tables of replacements what it puts in the place of moto's; the front has
them all (``python -m sandbox --replacements``).
"""
