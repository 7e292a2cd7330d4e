"""For people in an incident: who did what, when and from where, by CloudTrail's own records."""
