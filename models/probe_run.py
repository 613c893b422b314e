"""What agents did and found: runs of jobs, and their results.

Results lie in the order of time, those of a run together, and their key names the run:
so a time, a job and a run are found without an index of their own. They refer to runs,
and to destinations, jobs and agents, by number and without a foreign key, as they may
be many; what they refer to is deleted after them.
"""

from __future__ import annotations

from typing import Final

from peewee import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    DoubleField,
    IntegerField,
    TextField,
)

from models.base import Table

_FEW: Final = "; NULL if fewer than two were answered, as it is the mean then."


class Agent(Table):
    """An exporter that probes."""

    id = BigAutoField(help_text="What runs call it.")
    name = TextField(unique=True, help_text="Unique name.")
    version = TextField(default="", help_text="Its version.")
    plan = TextField(default="", help_text="Version of the plan that it works by.")
    dropped = BigIntegerField(
        default=0, help_text="Runs that it had to drop, as it told last."
    )
    first_seen = BigIntegerField(help_text="When it first came, UTC milliseconds.")
    last_seen = BigIntegerField(help_text="When it last came, UTC milliseconds.")

    class Meta:
        """Few; they stay."""

        table_name = "agents"


class ProbeRun(Table):
    """One execution of a job by an agent."""

    id = BigAutoField(help_text="Number of the run; never given again.")
    agent_id = BigIntegerField(help_text="The agent, `agents.id`.")
    job_id = BigIntegerField(help_text="The job, `jobs.id`, deleted or not.")
    scheduled_ms = BigIntegerField(
        index=True, help_text="When it was to begin, UTC milliseconds."
    )
    began_ms = BigIntegerField(help_text="When it began, UTC milliseconds.")
    ended_ms = BigIntegerField(help_text="When it ended, UTC milliseconds.")
    state = TextField(help_text="completed, failed or aborted.")
    destinations = BigIntegerField(help_text="Destinations that were probed.")
    succeeded = BigIntegerField(help_text="Those of which every probe succeeded.")
    failed = BigIntegerField(help_text="Those of which any probe failed.")
    skipped = BigIntegerField(help_text="Those whose run before had not ended.")
    left_alone = BigIntegerField(help_text="Those in maintenance.")
    results = BigIntegerField(help_text="Results that came with it.")
    error = TextField(default="", help_text="Why it failed.")
    marks = TextField(
        default="", help_text="What may disturb the figures; words, with commas."
    )
    received_ms = BigIntegerField(help_text="When it was stored, UTC milliseconds.")
    evaluated = IntegerField(
        default=0, help_text="1 once its results were looked at for events, else 0."
    )

    class Meta:
        """Kept once, however often it is sent."""

        table_name = "probe_runs"
        indexes = ((("job_id", "scheduled_ms", "agent_id"), True),)


class ProbeResult(Table):
    """What one probe of one destination found in a run.

    `reason` is empty for a success. Round-trip times are seconds: of echo requests, or
    the one duration that matters of other kinds.
    """

    scheduled_ms = BigIntegerField(help_text="`probe_runs.scheduled_ms`.")
    run_id = BigIntegerField(help_text="The run, `probe_runs.id`.")
    place = IntegerField(help_text="Its place among the run's results, from 0.")
    destination_id = BigIntegerField(
        help_text="The destination, `destinations.id`, deleted or not."
    )
    probe = TextField(help_text="Name of the module.")
    kind = TextField(help_text="Kind of the probe, such as icmp.")
    delay_ms = BigIntegerField(
        help_text="Milliseconds from `scheduled_ms` to its beginning."
    )
    seconds = DoubleField(help_text="How long it took.")
    reason = TextField(help_text="Why it failed, one word; empty for a success.")
    message = TextField(help_text="The same for people.")
    address = TextField(help_text="What was probed in the end.")
    sent = BigIntegerField(help_text="Requests that were sent, of kinds that count.")
    received = BigIntegerField(help_text="Requests that were answered.")
    rtt_mean = DoubleField(
        null=True, help_text="Mean round-trip time; NULL without an answer."
    )
    rtt_min = DoubleField(null=True, help_text=f"Shortest round-trip time{_FEW}")
    rtt_max = DoubleField(null=True, help_text=f"Longest round-trip time{_FEW}")
    rtt_p50 = DoubleField(null=True, help_text=f"Median{_FEW}")
    rtt_p95 = DoubleField(null=True, help_text=f"95th percentile{_FEW}")
    jitter = DoubleField(
        null=True,
        help_text="Mean absolute difference of neighbours; NULL if there are none.",
    )
    rtts = BlobField(
        null=True,
        help_text="All round-trip times in the order of sending as little-endian "
        "float32, NaN for what was lost; NULL if `rtt_mean` is the only one.",
    )
    phases = TextField(help_text="Seconds of each phase as a JSON object, or empty.")
    facts = TextField(help_text="What else is known as a JSON object, or empty.")
    route = TextField(help_text="Its way, `routes.hash`, or empty.")
    certificate = TextField(help_text="The leaf, `certificates.sha256`, or empty.")
    marks = TextField(help_text="What may disturb the figures; words, with commas.")

    class Meta:
        """Clustered by time and run; found by destination as well."""

        table_name = "probe_results"
        primary_key = CompositeKey("scheduled_ms", "run_id", "place")
        without_rowid = True
        indexes = ((("destination_id", "scheduled_ms"), False),)


ProbeRun.add_index(
    ProbeRun.index(
        ProbeRun.id, where=ProbeRun.evaluated == 0, name="probe_runs_unevaluated"
    )
)
ProbeResult.add_index(
    ProbeResult.index(
        ProbeResult.scheduled_ms,
        where=ProbeResult.reason != "",
        name="probe_results_failures",
    )
)
