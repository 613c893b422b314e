"""Corrections: numbers that were declared wrong, made right in all rows."""
