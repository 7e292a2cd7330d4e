"""Proves from a trail's signed digests that its log files are all there, unchanged and unmixed.

`judge` is pure: it judges what was read. `read` reads and does not judge. `run` puts both together:
it validates each account and region day by day, spreads the days over an executor and links their
digests afterwards. `command` is the command line, `report` words what a run found.

Source: CloudTrail User Guide, "Validating CloudTrail log file integrity".
"""
