"""Reports of a run: one writer a format, all from one Report model."""
