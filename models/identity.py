"""Who may ask: API keys."""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, TextField

from models.base import Table


class ApiKey(Table):
    """A key of 256 random bits, kept as its prefix and an HMAC-SHA256.

    `scopes` are comma-separated words of read, ingest, probe and admin. Times are UTC
    seconds; `last_used_at` is exact to the minute.
    """

    id = AutoField()
    name = TextField(unique=True)
    prefix = TextField(unique=True)
    digest = TextField()
    scopes = TextField()
    workspace = TextField(default="")
    created_at = BigIntegerField()
    last_used_at = BigIntegerField(null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        """Found by prefix."""

        table_name = "api_keys"
