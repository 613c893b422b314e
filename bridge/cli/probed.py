"""What the commands about probing share: the catalogue, answers and their words."""

from __future__ import annotations

import getpass
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from bridge.answers.times import DAY, format_time, read_span
from bridge.answers.writing import to_json
from bridge.cli.options import FROM_TO
from bridge.cli.store import existing_store
from bridge.probing.catalogue import Catalogue
from runtime.clock import SystemClock
from runtime.document import parse
from runtime.problems import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bridge.answers.times import Span
    from bridge.cli.invocation import Invocation
    from models.database import Database
    from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Probed:
    """The database, what is probed there, and who asks."""

    db: Database
    clock: Clock
    catalogue: Catalogue
    author: str

    @property
    def now(self) -> float:
        """The time, UTC seconds."""
        return self.clock.now()


@contextmanager
def probed(invocation: Invocation) -> Iterator[Probed]:
    """Give what is probed, and close the database; raise what `existing_store` does."""
    clock = SystemClock()
    with existing_store(invocation.settings()) as db:
        yield Probed(db, clock, Catalogue(db, clock), getpass.getuser())


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --json."""
    option = click.option("--json", "plain", is_flag=True, help="Print JSON.")
    return option(command)


def over_span(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a span of time."""
    start = click.option(
        FROM_TO[0], "start", help="Since when; default -1d. As in questions."
    )
    end = click.option(FROM_TO[1], "end", help="Until when; default now.")
    return start(end(command))


def span_of(start: str | None, end: str | None, now: float) -> Span:
    """Return the span of `over_span`; raise QuestionError."""
    return read_span(start, end, now, DAY, names=FROM_TO)


def print_json(document: object) -> None:
    """Print a document as the API would answer it."""
    sys.stdout.buffer.write(to_json(document) + b"\n")
    sys.stdout.buffer.flush()


def when(seconds: float | None) -> str:
    """Return a time for people."""
    return "-" if seconds is None else format_time(seconds)


def share(value: float | None) -> str:
    """Return a part of one for people."""
    return "-" if value is None else f"{100 * value:.4g}%"


def lasting(seconds: float | None) -> str:
    """Return a duration for people, in milliseconds."""
    return "-" if seconds is None else f"{1000 * seconds:.4g} ms"


def figure(value: object) -> str:
    """Return a setting for people, as config.yaml writes it."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(figure, value))
        case dict():
            inside = (f"{key}: {figure(inner)}" for key, inner in value.items())
            return f"{{{', '.join(inside)}}}" if value else "-"
    return str(value)


def read_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the document that `KEY=VALUE` write, dotted keys nested.

    Values are read as in config.yaml; nothing behind the sign is the key's default.
    Raises UsageError.
    """
    document: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key:
            raise click.UsageError(f"{pair!r} is no KEY=VALUE")
        *outer, last = key.split(".")
        holder = document
        for step in outer:
            inner = holder.setdefault(step, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"{key}: {step} has a value of its own")
            holder = inner
        holder[last] = _value(key, text)
    return document


def _value(key: str, text: str) -> Any:
    problems: list[str] = []
    try:
        found = parse(text, key, problems) if text else None
    except SettingsError as error:
        problems.extend(error.problems)
    if problems:
        raise click.UsageError("; ".join(problems))
    return found


def nested(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted keys and values for people."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from nested(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", figure(value)
