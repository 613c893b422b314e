"""Generated pages, one module per subject; each is made from the code it describes."""
