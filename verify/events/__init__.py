"""CloudTrail's records as a filter pattern meets them: pure, nothing here talks to AWS."""
