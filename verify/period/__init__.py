"""Several runs of a deployment: what many together show of a period, what differs between two."""
