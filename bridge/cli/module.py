"""`epimetheus module`: named probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bridge.cli.editing import add_commands
from bridge.probing.entries import MODULE

if TYPE_CHECKING:
    from bridge.probing.catalogue import Entry


@click.group("module")
def command() -> None:
    """List and edit named probes, by the keys of config.yaml."""


def _row(entry: Entry) -> tuple[str, ...]:
    settings = entry.row.document
    return (entry.name, settings["kind"], settings["timeout"], entry.row.origin)


add_commands(command, MODULE, ("name", "kind", "timeout", "owner"), _row)
