"""The account as it is: reads, the one door, answers, errors, evidence."""
