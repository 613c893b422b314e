"""Tables on the terminal: drawn for people, plain columns for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; without a terminal, one line per row and no decoration."""
    if sys.stdout.isatty():
        _draw(headings, rows)
        return
    lines = [tuple(heading.upper() for heading in headings), *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # rich is slow to load, and only a terminal needs it.
    from rich import box  # noqa: PLC0415 - see above
    from rich.console import Console  # noqa: PLC0415 - same
    from rich.table import Table  # noqa: PLC0415 - same
    from rich.text import Text  # noqa: PLC0415 - same

    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
