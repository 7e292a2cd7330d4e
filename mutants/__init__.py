"""Seeded faults: each breaks one thing in a deployed account, and the suite must notice exactly it.

`python -m mutants` deploys into a sandbox once, then goes fault by fault: break, verify, mend. A
fault that no control notices has survived, and shows where a PASS would mean nothing.
"""
