"""Verification of a deployed audit trail."""
