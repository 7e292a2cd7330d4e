"""Reading buckets, public keys and the trail's settings from AWS. Nothing here judges."""
