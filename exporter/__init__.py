"""The agent that measures one host and answers Prometheus."""
