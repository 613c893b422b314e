"""Trying destinations: one file for each kind of probe."""
