"""How far a long piece of work is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Advance: TypeAlias = Callable[[int], None]

_PARTS: Final = 10


@contextmanager
def progress(what: str, total: int, said: str) -> Iterator[Advance]:
    """Give what is to be called with how much is done, of `total`.

    On a terminal a bar says `what` is being done, how much, for how long and for how
    long still; elsewhere a line is printed at every tenth: "5 of 10 `said`".
    """
    if sys.stdout.isatty():
        with _bar(what, total) as advance:
            yield advance
        return
    told = -1

    def say(done: int) -> None:
        nonlocal told
        if (part := _PARTS * done // max(total, 1)) != told:
            told = part
            click.echo(f"{done} of {total} {said}")

    yield say


@contextmanager
def _bar(what: str, total: int) -> Iterator[Advance]:
    # rich is slow to load, and only a terminal needs it.
    from rich.progress import (  # noqa: PLC0415 - see above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
