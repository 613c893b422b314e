"""The exporter's pages beside its metrics."""
