"""What can be wrong with what is asked."""


class QueryError(ValueError):
    """A text that is not one query."""
