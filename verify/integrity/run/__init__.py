"""Reading and judging put together: a digest, a log file, a day, a whole period."""
