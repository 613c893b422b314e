"""From the raw samples of a window to rows that merge."""
