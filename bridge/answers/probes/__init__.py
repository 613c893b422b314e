"""What probes found: figures, charts, distributions and files of it; only reading."""
