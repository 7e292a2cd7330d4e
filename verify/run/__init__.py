"""One run: its settings, its preparation, its results."""
