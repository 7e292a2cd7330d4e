"""Verification of a deployed audit trail."""

__version__ = "0.1.0"
