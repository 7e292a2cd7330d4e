"""A sealed run on paper: short, with its manifest's hash on every page."""
