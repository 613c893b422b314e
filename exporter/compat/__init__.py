"""Whether a dashboard finds what it asks for: names asked, known and served."""
