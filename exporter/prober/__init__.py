"""The process that probes: schedules, the board of counters, its tie to the parent."""
