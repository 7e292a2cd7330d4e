"""Proves from a trail's signed digests that its log files are all there, unchanged and unmixed.

The judgement (layout, digest, signature, content, coverage, chain, history, tail) is pure; reader
and s3 do the reading; day validates one region's day, run spreads the days over an executor and
links their digests afterwards.

Source: CloudTrail User Guide, "Validating CloudTrail log file integrity".
"""
