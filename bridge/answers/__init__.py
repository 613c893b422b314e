"""Questions to the database and their answers, for the API and the command line."""
