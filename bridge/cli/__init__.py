"""The commands of `epimetheus`, one module each."""
