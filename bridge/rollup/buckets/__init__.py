"""Histograms, distributions and distinct counts: what the column `buckets` holds."""
