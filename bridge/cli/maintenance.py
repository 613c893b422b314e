"""`epimetheus maintenance`: when destinations are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bridge.cli.editing import add_commands
from bridge.cli.probed import figure
from bridge.probing.entries import MAINTENANCE

if TYPE_CHECKING:
    from bridge.probing.catalogue import Entry


@click.group("maintenance")
def command() -> None:
    """List and edit when destinations are left alone, by the keys of config.yaml."""


def _row(entry: Entry) -> tuple[str, ...]:
    settings = entry.row.document
    keys = ("destinations", "tags", "start", "end", "note")
    windows = str(len(settings["windows"]) or "-")
    told = (figure(settings[key]) for key in keys)
    return (entry.name, *told, windows, entry.row.origin)


add_commands(
    command,
    MAINTENANCE,
    ("name", "destinations", "tags", "start", "end", "note", "windows", "owner"),
    _row,
)
