"""Judging policy documents: pure, and without a word of CloudTrail."""
