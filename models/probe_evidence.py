"""What results refer to, each kept once: routes and certificates. And tests."""

from __future__ import annotations

from peewee import BigAutoField, BigIntegerField, TextField

from models.base import Table


class Route(Table):
    """A way that traces found."""

    hash = TextField(primary_key=True, help_text="Hash of the hops, as 16 hex digits.")
    hops = TextField(
        help_text="Addresses of each hop from the first on, a JSON list of lists."
    )
    first_seen = BigIntegerField(help_text="When first found, UTC milliseconds.")
    last_seen = BigIntegerField(
        index=True, help_text="When last found, UTC milliseconds."
    )

    class Meta:
        """Gone once no result has it."""

        table_name = "routes"


class Certificate(Table):
    """A certificate that was presented, as a leaf or in a chain."""

    sha256 = TextField(primary_key=True, help_text="Its fingerprint, as hex.")
    subject = TextField(help_text="Whose it is.")
    issuer = TextField(help_text="Who vouches for it.")
    not_before = BigIntegerField(help_text="Since when it is valid, UTC seconds.")
    not_after = BigIntegerField(help_text="Until when it is valid, UTC seconds.")
    facts = TextField(help_text="What else is known, as a JSON object.")
    first_seen = BigIntegerField(help_text="When first presented, UTC milliseconds.")
    last_seen = BigIntegerField(
        index=True, help_text="When last presented, UTC milliseconds."
    )

    class Meta:
        """Gone once no result has it."""

        table_name = "certificates"


class ProbeTest(Table):
    """A destination that somebody wanted probed once, at once."""

    id = BigAutoField(help_text="Number of the test.")
    agent = TextField(help_text="Name of the agent that is to do it.")
    destination = TextField(help_text="Name of the destination; empty for none.")
    host = TextField(help_text="What is probed.")
    probe = TextField(help_text="Settings of the probe, a JSON object.")
    state = TextField(help_text="waiting, finished or expired.")
    created_at = BigIntegerField(
        index=True, help_text="When it was asked for, UTC milliseconds."
    )
    finished_at = BigIntegerField(
        null=True, help_text="When its result came, UTC milliseconds."
    )
    result = TextField(
        default="", help_text="The result, a JSON object; empty without one."
    )

    class Meta:
        """Read by number, and those that wait by agent."""

        table_name = "probe_tests"
        indexes = ((("state", "agent"), False),)
