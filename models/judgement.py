"""What the judgement of results has to remember: how each agent sees each probe.

All of it is made of results, and lies with them: the tables refer to destinations and
agents by number and without a foreign key.
"""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    CompositeKey,
    DoubleField,
    IntegerField,
    TextField,
)

from models.base import Table


class _OfView(Table):
    """Something of a probe of a destination as one agent sees it."""

    destination_id = BigIntegerField(help_text="The destination, `destinations.id`.")
    agent_id = BigIntegerField(
        help_text="The agent, `agents.id`; 0 for hours made of scraped counters."
    )
    probe = TextField(help_text="Name of the module.")


class ProbeView(_OfView):
    """How an agent sees a probe of a destination, by its newest results."""

    status = TextField(help_text="unknown, active, degraded or error.")
    bad = BigIntegerField(help_text="Failures since the last success.")
    good = BigIntegerField(
        help_text="Successes since the last failure, while they do not suffice."
    )
    began_ms = BigIntegerField(
        null=True, help_text="First result that tells something, UTC milliseconds."
    )
    last_ms = BigIntegerField(help_text="Newest result, UTC milliseconds.")
    seen_ms = BigIntegerField(null=True, help_text="Newest success, UTC milliseconds.")
    since_ms = BigIntegerField(
        null=True, help_text="Since when it has this status, UTC milliseconds."
    )
    interval_ms = BigIntegerField(
        help_text="Interval of the job of the newest result, milliseconds."
    )

    class Meta:
        """Read by destination."""

        table_name = "probe_views"
        primary_key = CompositeKey("destination_id", "agent_id", "probe")
        without_rowid = True


class ProbeSpan(_OfView):
    """A failure, a route or a certificate, from one result to another."""

    kind = TextField(help_text="failure, route or certificate.")
    opened_ms = BigIntegerField(
        help_text="Result that it began with, UTC milliseconds."
    )
    closed_ms = BigIntegerField(
        null=True,
        help_text="Result that ended it, UTC milliseconds; NULL while it lasts.",
    )
    value = TextField(
        help_text="Of a failure how bad it is, empty until it counts; the hops of a "
        "route; the SHA-256 of a certificate."
    )
    facts = TextField(help_text="What else is known, a JSON object.")

    class Meta:
        """Read by destination, and those that last by themselves."""

        table_name = "probe_spans"
        primary_key = CompositeKey(
            "destination_id", "agent_id", "probe", "kind", "opened_ms"
        )
        without_rowid = True


class ProbeHour(_OfView):
    """An hour of echo requests: what is compared with the same hour of other weeks."""

    start_ms = BigIntegerField(help_text="First millisecond of the hour, UTC.")
    stale = IntegerField(
        help_text="1 if results came that it is not made of yet, else 0."
    )
    sent = BigIntegerField(help_text="Requests that were sent.")
    received = BigIntegerField(help_text="Requests that were answered.")
    rtt = DoubleField(
        null=True, help_text="Median of the results' medians; NULL without an answer."
    )
    verdict = TextField(
        help_text="slow, lossy, both with a comma, or empty for as usual or unknown."
    )
    facts = TextField(help_text="What it was compared with, a JSON object, or empty.")

    class Meta:
        """Read by destination, and stale ones by time."""

        table_name = "probe_hours"
        primary_key = CompositeKey("destination_id", "agent_id", "probe", "start_ms")
        without_rowid = True


ProbeSpan.add_index(
    ProbeSpan.index(
        ProbeSpan.destination_id,
        where=ProbeSpan.closed_ms.is_null(),
        name="probe_spans_open",
    )
)
ProbeSpan.add_index(ProbeSpan.index(ProbeSpan.closed_ms, name="probe_spans_closed_ms"))
ProbeHour.add_index(
    ProbeHour.index(
        ProbeHour.start_ms, where=ProbeHour.stale == 1, name="probe_hours_stale"
    )
)
ProbeHour.add_index(ProbeHour.index(ProbeHour.start_ms, name="probe_hours_start_ms"))
