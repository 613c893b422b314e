"""Destinations, jobs and results as the bridge keeps and judges them."""
