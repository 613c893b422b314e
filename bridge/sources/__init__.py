"""Sources: whatever answers the raw samples of a window."""
