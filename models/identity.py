"""Who may ask: API keys."""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, TextField

from models.base import Table


class ApiKey(Table):
    """A key of 256 random bits, kept as its prefix and a digest."""

    id = AutoField(help_text="Number of the key.")
    name = TextField(unique=True, help_text="What people call it.")
    prefix = TextField(unique=True, help_text="Its first characters, to find it by.")
    digest = TextField(help_text="HMAC-SHA256 of the key, as hex.")
    scopes = TextField(
        help_text="What it allows: words of read, ingest, probe and admin, separated "
        "by commas."
    )
    workspace = TextField(default="", help_text="Workspace that it is limited to.")
    created_at = BigIntegerField(help_text="When it was made, UTC seconds.")
    last_used_at = BigIntegerField(
        null=True, help_text="When it was last used, UTC seconds, to the minute."
    )
    revoked_at = BigIntegerField(
        null=True, help_text="When it was revoked, UTC seconds."
    )

    class Meta:
        """Found by prefix."""

        table_name = "api_keys"
