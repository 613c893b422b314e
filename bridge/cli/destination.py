"""`epimetheus destination`: what is probed, and how it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import click

from bridge.answers.probes.asked import Asked
from bridge.answers.probes.documents import standing_document
from bridge.answers.probes.standing import standing
from bridge.cli.editing import add_commands
from bridge.cli.failures import CommandError
from bridge.cli.files import export, to_file
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.probed import (
    Probed,
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
from bridge.cli.tables import show
from bridge.probing.asking import ask, state_of, wish_of
from bridge.probing.documents import test_document
from bridge.probing.entries import DESTINATION
from models.queries import probe_tests

if TYPE_CHECKING:
    from typing import BinaryIO

    from models.queries.probe_tests import AskedTest

_LOOK: Final = 0.5
"""Seconds between two looks for a result."""


@click.group("destination")
def command() -> None:
    """List and edit what is probed, by the keys of config.yaml; tell how it is."""


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    settings = told["settings"]
    return (
        told["name"],
        settings["host"],
        figure(settings["tags"]),
        told["status"],
        when(told["last_seen"]),
        told["origin"],
    )


add_commands(
    command, DESTINATION, ("name", "host", "tags", "status", "seen", "owner"), _row
)


@command.command()
@click.argument("name")
@over_span
@as_json
@pass_invocation
def status(
    invocation: Invocation,
    name: str,
    *,
    start: str | None,
    end: str | None,
    plain: bool,
) -> None:
    """Tell how the destination NAME is, over a span of time."""
    with probed(invocation) as here:
        found = standing(here.db, name, span_of(start, end, here.now))
        told = standing_document(name, found)
    if plain:
        print_json(told)
        return
    lines = {
        "status": told["status"],
        "since": when(told["status_since"]),
        "last seen": when(told["last_seen"]),
        "results": str(told["checks"]),
        "success rate": share(told["success_rate"]),
        "uptime": share(told["uptime"]),
        "loss": share(told["loss"]),
        "mean round trip": lasting(told["rtt_mean"]),
        "last failures": figure([one["reason"] for one in told["failures"]]),
    }
    show(("what", name), list(lines.items()))


@command.command("test")
@click.argument("name")
@click.option("--module", help="Module to use; that of a job, or else icmp.")
@click.option("--agent", help="Who does it; whoever probes it otherwise.")
@as_json
@pass_invocation
def test_(
    invocation: Invocation,
    name: str,
    *,
    module: str | None,
    agent: str | None,
    plain: bool,
) -> None:
    """Have the destination NAME probed once, and tell what came of it."""
    with probed(invocation) as here:
        wish = wish_of(here.db, here.catalogue, name, module, agent)
        asked = ask(here.db, here.clock, wish, here.author)
        click.echo(f"{asked.agent} was asked", err=True)
        done = _await(here, asked)
    told = test_document(done, here.now)
    if plain:
        print_json(told)
    if done.result is None:
        raise CommandError(f"{asked.agent} did not do it in time; is it running?")
    if not plain:
        show(("what", name), _found(done.result))


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
    """Write the results of the destination NAME as a table, JSON or a workbook."""
    with probed(invocation) as here:
        export(here, Asked(destination=name), (start, end), form, output)


def _await(here: Probed, asked: AskedTest) -> AskedTest:
    never = threading.Event()
    while True:
        found = probe_tests.find(here.db, asked.id) or asked
        if state_of(found, here.now) != probe_tests.WAITING:
            return found
        here.clock.wait(never, _LOOK)


def _found(result: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("outcome", result.get("reason") or "ok"),
        ("message", result.get("message") or "-"),
        ("address", result.get("address") or "-"),
        ("took", lasting(result["seconds"])),
        ("round trips", figure([lasting(one) for one in result.get("rtts", ())])),
    ]
    log = [(f"{at:.6f} s", text) for at, text in result.get("log", ())]
    return lines + log
