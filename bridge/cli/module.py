"""`epimetheus module`: named probes."""

from __future__ import annotations

from typing import Any

import click

from bridge.cli.editing import add_commands
from bridge.probing.entries import MODULE


@click.group("module")
def command() -> None:
    """List and edit named probes, by the keys of config.yaml."""


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    settings = told["settings"]
    return (told["name"], settings["kind"], settings["timeout"], told["origin"])


add_commands(command, MODULE, ("name", "kind", "timeout", "owner"), _row)
