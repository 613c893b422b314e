"""`epimetheus job`: who probes what, and when; what jobs do and found."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bridge.answers.probes import analytics as figures
from bridge.answers.probes.asked import Asked, picked
from bridge.cli.editing import add_commands
from bridge.cli.files import export, to_file
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.probed import (
    as_json,
    figure,
    lasting,
    over_span,
    print_json,
    probed,
    share,
    span_of,
    when,
)
from bridge.cli.run import list_runs
from bridge.cli.tables import show
from bridge.probing.documents import job_document
from bridge.probing.entries import JOB
from bridge.probing.planner import read_everything
from bridge.probing.schedules import standing
from models.queries import agents

if TYPE_CHECKING:
    from typing import BinaryIO


@click.group("job")
def command() -> None:
    """List and edit who probes what and when; start, stop and evaluate jobs."""


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    settings = told["settings"]
    return (
        told["name"],
        settings["interval"],
        *(figure(settings[key]) for key in ("probes", "destinations", "tags")),
        figure(settings["agents"]) if settings["agents"] else "all",
        told["state"],
        told["origin"],
    )


add_commands(
    command,
    JOB,
    ("name", "every", "probes", "destinations", "tags", "agents", "state", "owner"),
    _row,
)


@command.command()
@click.argument("name")
@pass_invocation
def start(invocation: Invocation, name: str) -> None:
    """Let the job NAME run at its times again."""
    _switch(invocation, name, on=True)


@command.command()
@click.argument("name")
@pass_invocation
def stop(invocation: Invocation, name: str) -> None:
    """Let the job NAME run no more until it is started."""
    _switch(invocation, name, on=False)


@command.command()
@click.argument("name")
@as_json
@pass_invocation
def status(invocation: Invocation, name: str, *, plain: bool) -> None:
    """Tell what the job NAME is doing, and when it runs next."""
    with probed(invocation) as here:
        entry = here.catalogue.entry(JOB, name)
        known = [agent.name for agent in agents.everyone(here.db)]
        everything = read_everything(here.db)
        found = standing(here.db, entry, everything, known, round(here.now * 1000))
        told = job_document(name, found)
    if plain:
        print_json(told)
        return
    last: dict[str, Any] = told["last_run"] or {}
    lines = {
        "state": told["state"],
        "next run": when(told["next_run"]),
        "last run": when(last.get("time")),
        "it was": last.get("state", "-"),
        "destinations": figure(told["destinations"]),
        "agents": figure(told["agents"]),
    }
    show(("what", name), list(lines.items()))


@command.command()
@click.argument("name")
@click.option("--agent", help="Only of this agent.")
@click.option("--state", type=click.Choice(["completed", "failed", "aborted"]))
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="At most.")
@over_span
@as_json
@pass_invocation
def runs(invocation: Invocation, /, name: str, *, plain: bool, **asked: Any) -> None:
    """List the runs of the job NAME, newest first."""
    with probed(invocation) as here:
        list_runs(here, job=name, plain=plain, **asked)


@command.command()
@click.argument("name")
@over_span
@as_json
@pass_invocation
def analytics(
    invocation: Invocation,
    name: str,
    *,
    start: str | None,
    end: str | None,
    plain: bool,
) -> None:
    """Tell the figures of the job NAME: in total, and by what they are made of."""
    with probed(invocation) as here:
        span = span_of(start, end, here.now)
        of = picked(here.db, Asked(job=name), span)
        found = figures.analytics(here.db, of, span)
    if plain:
        print_json(asdict(found))
        return
    rows = [("all", found.total)]
    rows += [(part, one) for part, listed in found.by.items() for one in listed]
    show(
        ("of", "name", "results", "success", "loss", "min", "mean", "max", "p95"),
        [
            (
                part,
                one.name or ("success" if part == "reason" else "-"),
                str(one.results),
                share(one.success_rate),
                share(one.loss),
                *map(lasting, (one.rtt_min, one.rtt_mean, one.rtt_max)),
                lasting(one.percentiles.get("p95")),
            )
            for part, one in rows
        ],
    )


@command.command("export")
@click.argument("name")
@over_span
@to_file
@pass_invocation
def export_(
    invocation: Invocation,
    name: str,
    *,
    start: str | None,
    end: str | None,
    form: str,
    output: BinaryIO,
) -> None:
    """Write the results of the job NAME as a table, JSON or a workbook."""
    with probed(invocation) as here:
        export(here, Asked(job=name), (start, end), form, output)


def _switch(invocation: Invocation, name: str, *, on: bool) -> None:
    with probed(invocation) as here:
        entry = here.catalogue.entry(JOB, name)
        if entry.row.document["enabled"] != on:
            here.catalogue.patch(JOB, name, {"enabled": on}, here.author)
    click.echo(f"{'started' if on else 'stopped'} {name}")
