"""What acts on the account to see that the alarm bell rings, and leaves it as it was."""
