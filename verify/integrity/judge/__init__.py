"""Judging digests and log files: pure functions on what was read. Nothing here reads."""
