"""Checks on the live state: one short test a control."""
