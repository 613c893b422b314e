"""Jobs: whether they are to run, and whether they do."""

from __future__ import annotations

from grafana.dashboard import Row
from grafana.grids import Table
from grafana.probes.selectors import DESTINATION, JOB, increase, worst
from grafana.shapes import Graph, Query, States

_OF_JOB = "{{job_name}} ({{instance}})"
_BY = "job_name, instance"
_STATES = ("pending", "running", "not_scheduled", "expired", "disabled")


def _state() -> str:
    """Return the number of the state that each job is in."""
    return " + ".join(
        f'{at} * sum by ({_BY}) (netprobe_job_state{{{JOB}, state="{state}"}})'
        for at, state in enumerate(_STATES)
    )


ROW = Row(
    "Jobs",
    (
        States(
            "State",
            "What each job does. Outside its windows it is not scheduled, and what it "
            "probes is not down.",
            (Query(_state(), _OF_JOB),),
            tuple(state.replace("_", " ") for state in _STATES),
            colours=("blue", "green", "purple", "dark-blue", "text"),
            maximum=4,
        ),
        States(
            "Maintenance",
            "Whether a destination is left alone.",
            (
                Query(
                    f"max by (destination) (netprobe_maintenance{{{DESTINATION}}})",
                    "{{destination}}",
                ),
            ),
            ("probed", "left alone"),
            colours=("green", "blue"),
        ),
        Graph(
            "Runs",
            "none",
            "Runs by how they ended.",
            (
                Query(
                    increase("netprobe_runs_total", JOB, f"{_BY}, state"),
                    "{{job_name}} {{state}} ({{instance}})",
                ),
            ),
            stacked=True,
        ),
        Graph(
            "Left out",
            "none",
            "Runs that were due while the host slept or its clock was set, and "
            "destinations that were still probed by the run before.",
            (
                Query(
                    increase("netprobe_runs_skipped_total", JOB, _BY),
                    f"runs: {_OF_JOB}",
                ),
                Query(
                    increase("netprobe_destinations_skipped_total", JOB, _BY),
                    f"destinations: {_OF_JOB}",
                ),
            ),
        ),
        Graph(
            "Next run",
            "s",
            "Time until a job runs next.",
            (
                Query(
                    f"{worst('netprobe_job_next_run_timestamp_seconds', JOB, _BY)}"
                    " - time()",
                    _OF_JOB,
                ),
            ),
            minimum=None,
        ),
        Graph(
            "Intervals",
            "s",
            "Time between two runs.",
            (Query(worst("netprobe_job_interval_seconds", JOB, _BY), _OF_JOB),),
        ),
        Table(
            "Destinations",
            "none",
            "What is probed from where, and which address it has there.",
            (
                Query(
                    "count by (destination, host, address, tags, instance) "
                    f"(netprobe_destination_info{{{DESTINATION}}})",
                    "{{destination}}",
                    shape="table",
                ),
            ),
            ("destination", "host", "address", "tags", "instance"),
            decimals=0,
            width=24,
        ),
    ),
)
