"""What is measured as it happens: readings every few seconds, to whoever looks."""
