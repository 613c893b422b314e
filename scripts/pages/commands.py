"""What `--help` says of every command, for docs/cli.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from bridge.__main__ import command as bridge_command
from exporter.__main__ import command as exporter_command

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH: Final = 80


def exporter() -> str:
    """Return the help of the exporter."""
    return _helps(exporter_command, "epimetheus-exporter")


def bridge() -> str:
    """Return the help of the bridge and of each of its commands."""
    return _helps(bridge_command, "epimetheus")


def _helps(command: click.Command, name: str) -> str:
    return "\n\n".join(
        f"### `{path}`\n\n```text\n{text}\n```" for path, text in _all(command, name)
    )


def _all(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the full name and the help of a command and of those below it."""
    context = click.Context(
        command,
        parent,
        info_name=name,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _all(found, inner, context)
