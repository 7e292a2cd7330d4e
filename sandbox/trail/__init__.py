"""CloudTrail: from an API call to its record, to the places of delivery and to signed digests.

The room knows ``messaging`` (records go to the event bus) and ``access``.
"""
