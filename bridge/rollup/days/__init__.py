"""Days of time zones: what they are, and how they are kept."""
