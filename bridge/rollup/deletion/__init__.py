"""Retention: what is deleted, when, and what that leaves undone for good."""
