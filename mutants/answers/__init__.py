"""Recorded answers, altered field by field: a verdict must stand on each that is judged."""
