"""The pytest side: hooks, fixtures, the view."""
