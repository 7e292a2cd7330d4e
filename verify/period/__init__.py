"""A period, not a moment: what many runs together show of a deployment."""
