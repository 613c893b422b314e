"""The steps from an empty database to the tables of today, oldest first.

Each file holds `up(migrator, db)` and `down(migrator, db)`, is never edited once it has
been released, and imports nothing of the live models.
"""
