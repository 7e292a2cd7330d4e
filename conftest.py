"""Loads the verification plugin; nothing else."""

pytest_plugins = ["verify.plugin"]
