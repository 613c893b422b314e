"""The database: tables, the ways in for bulk rows, and the questions asked of them."""
