"""What accepts samples from outside and puts them into the buffer."""
