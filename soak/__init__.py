"""A long run: an account under load, in which each violation must be told exactly once."""
