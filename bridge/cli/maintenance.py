"""`epimetheus maintenance`: when destinations are left alone."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.editing import add_commands
from bridge.cli.probed import figure
from bridge.probing.entries import MAINTENANCE


@click.group("maintenance")
def command() -> None:
    """List and edit when destinations are left alone, by the keys of config.yaml."""


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    settings = told["settings"]
    named = settings["destinations"] or settings["tags"]
    return (
        told["name"],
        figure(settings["destinations"]) if named else "all",
        *(figure(settings[key]) for key in ("tags", "start", "end", "note")),
        str(len(settings["windows"]) or "-"),
        told["state"],
        told["origin"],
    )


add_commands(
    command,
    MAINTENANCE,
    (
        "name",
        "destinations",
        "tags",
        "start",
        "end",
        "note",
        "windows",
        "state",
        "owner",
    ),
    _row,
)
