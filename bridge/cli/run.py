"""`epimetheus run`: executions of jobs, and what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from bridge.answers.probes.asked import Asked, milliseconds, picked
from bridge.answers.probes.documents import result_document
from bridge.cli.failures import CommandError
from bridge.cli.files import export, to_file
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.probed import (
    Probed,
    as_json,
    lasting,
    over_span,
    print_json,
    probed,
    share,
    span_of,
    when,
)
from bridge.cli.tables import show
from bridge.probing.documents import run_document
from models.queries import results, runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

_RUNS: Final = (
    "id",
    "time",
    "agent",
    "job",
    "state",
    "destinations",
    "succeeded",
    "failed",
    "skipped",
    "left alone",
    "marks",
)


@click.group("run")
def command() -> None:
    """List runs of jobs, and export what they found."""


@command.command("list")
@click.option("--job", help="Only of this job.")
@click.option("--agent", help="Only of this agent.")
@click.option("--state", type=click.Choice(["completed", "failed", "aborted"]))
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="At most.")
@over_span
@as_json
@pass_invocation
def list_(invocation: Invocation, /, *, plain: bool, **asked: Any) -> None:
    """List runs, newest first."""
    with probed(invocation) as here:
        list_runs(here, plain=plain, **asked)


@command.command("show")
@click.argument("number", type=click.IntRange(min=1))
@as_json
@pass_invocation
def show_(invocation: Invocation, number: int, *, plain: bool) -> None:
    """Show run NUMBER with its results."""
    with probed(invocation) as here:
        run = runs.find(here.db, number)
        if run is None:
            raise CommandError(f"there is no run {number}")
        told = [result_document(row) for row in results.of_runs(here.db, [number])]
    if plain:
        print_json({"run": run_document(run), "results": told})
        return
    show(_RUNS, [_run(run_document(run))])
    click.echo()
    show(
        ("destination", "probe", "reason", "took", "loss", "rtt", "address", "message"),
        [_result(one) for one in told],
    )


@command.command("export")
@click.option("--job", help="Only of this job.")
@click.option("--destination", help="Only of this destination.")
@click.option("--agent", help="Only of this agent.")
@click.option("--probe", help="Only of this module.")
@over_span
@to_file
@pass_invocation
def export_(
    invocation: Invocation,
    /,
    *,
    start: str | None,
    end: str | None,
    form: str,
    output: BinaryIO,
    **asked: str | None,
) -> None:
    """Write results as a table, JSON or a workbook with figures and charts."""
    with probed(invocation) as here:
        export(here, Asked(**asked), (start, end), form, output)  # type: ignore[arg-type]  # names only


def list_runs(
    here: Probed,
    *,
    job: str | None,
    agent: str | None,
    state: str | None,
    limit: int,
    start: str | None,
    end: str | None,
    plain: bool,
) -> None:
    """Print runs, newest first; raise QuestionError for unknown names."""
    span = span_of(start, end, here.now)
    of = picked(here.db, Asked(job=job, agent=agent))
    wanted = runs.Wanted(
        of.job, of.agent, state, milliseconds(span.start), milliseconds(span.end)
    )
    found = [run_document(row) for row in runs.search(here.db, wanted, limit=limit)]
    if plain:
        print_json({"runs": found})
    else:
        show(_RUNS, [_run(one) for one in found])


def _run(told: dict[str, Any]) -> Sequence[str]:
    counts = ("destinations", "succeeded", "failed", "skipped", "left_alone")
    return (
        str(told["id"]),
        when(told["time"]),
        *(told[key] for key in ("agent", "job", "state")),
        *(str(told[key]) for key in counts),
        ",".join(told["marks"]) or "-",
    )


def _result(told: dict[str, Any]) -> Sequence[str]:
    return (
        told["destination"],
        told["probe"],
        told["reason"] or "ok",
        lasting(told["seconds"]),
        share(told["loss"]),
        lasting(told["rtt_mean"]),
        told["address"] or "-",
        told["message"] or "-",
    )
