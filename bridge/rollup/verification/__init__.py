"""Looking again at what is done: by counting samples and by reading them."""
