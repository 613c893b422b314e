"""What `/metrics` shows, pushed to a receiver of OTLP."""
