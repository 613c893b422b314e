"""Reads the scripts in which Prometheus tests its query language.

Format: Prometheus' `promql/promqltest/README.md`. What is read are `load`,
`load_with_nhcb`, `clear` and `eval instant`; every other command becomes `Other`, so
that nothing is passed over in silence.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from runtime.quantities import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted, with the name as `__name__`."""

STALE: Final = "stale"
Value: TypeAlias = "float | str | None"
"""A number, `stale`, the text of a native histogram in braces, or None for none."""

_SERIES: Final = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:\{(?P<labels>.*?)\})?$")
_LABEL: Final = re.compile(
    r'\s*(?P<name>"(?:[^"\\]|\\.)*"|[\w:.]+)\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|\'[^\']*\')\s*(?:,|$)'
)
_RUN: Final = re.compile(
    r"^(?P<first>[-+]?[\w.]+?(?:[eE][-+]?\d+)?)"
    r"(?:(?P<step>[-+][\d.]+(?:[eE][-+]?\d+)?))?x(?P<times>\d+)$"
)
_HISTOGRAM_RUN: Final = re.compile(
    r"^(?P<first>\{\{.*?\}\})(?P<step>[-+]\{\{.*?\}\})?(?:x(?P<times>\d+))?$"
)
_EVAL: Final = re.compile(r"^eval instant at (?P<at>\S+)\s+(?P<expr>.*)$")


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a `load`: a value per step, from time 0 on."""

    labels: Labels
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """Series that are loaded, `step_ms` milliseconds apart."""

    line: int
    step_ms: int
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Clear:
    """What was loaded is forgotten."""

    line: int


@dataclass(frozen=True, slots=True)
class Eval:
    """An instant query at a time, and the elements that must come of it.

    `fails` says that it must be an error instead. `scalar` is a bare number.
    """

    line: int
    at_ms: int
    expr: str
    elements: tuple[tuple[Labels, str], ...] = ()
    scalar: str | None = None
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """A command that is none of the above."""

    line: int
    text: str


Command: TypeAlias = "Load | Clear | Eval | Other"


@dataclass(slots=True)
class _Paragraph:
    line: int
    head: str
    body: list[str] = field(default_factory=list)


def read(text: str) -> list[Command]:
    """Return the commands of a script in order."""
    return [_command(paragraph) for paragraph in _paragraphs(text.splitlines())]


def _paragraphs(lines: Sequence[str]) -> Iterator[_Paragraph]:
    """Yield commands with what belongs to them, up to an empty line or the next one."""
    found: list[_Paragraph] = []
    is_open = False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            continue
        if text.startswith(("load ", "load_with_nhcb ", "eval", "clear")):
            found.append(_Paragraph(number, text))
            is_open = True
        elif not text:
            is_open = False
        elif is_open:
            found[-1].body.append(text)
    yield from found


def _command(paragraph: _Paragraph) -> Command:
    head, line = paragraph.head, paragraph.line
    if head == "clear":
        return Clear(line)
    if head.startswith("load"):
        step_ms = milliseconds(head.split()[1])
        return Load(line, step_ms, tuple(map(_series, paragraph.body)))
    match = _EVAL.match(head)
    if match is None:
        return Other(line, head)
    elements, scalar, fails = [], None, False
    for said in paragraph.body:
        if said.startswith("expect"):
            fails = fails or said.startswith("expect fail")
            continue
        labels, value = _element(said)
        if labels is None:
            scalar = value
        else:
            elements.append((labels, value))
    return Eval(
        line,
        milliseconds(match["at"]),
        match["expr"],
        tuple(elements),
        scalar,
        fails,
    )


def milliseconds(text: str) -> int:
    """Return a duration as the scripts write it; a bare number is seconds."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        return round(parse_duration(text) * 1000)


def _series(line: str) -> Series:
    name, values = _split_series(line)
    return Series(labels_of(name), tuple(_values(values)))


def _split_series(line: str) -> tuple[str, str]:
    """Cut a line after the series that it begins with, labels and all."""
    bare = re.match(r"^[a-zA-Z_:][\w:]*", line)
    end = bare.end() if bare else 0
    rest = line[end:].lstrip()
    if rest.startswith("{") and not rest.startswith("{{"):
        end = _closing(line, line.index("{", end)) + 1
    return line[:end], line[end:].strip()


def _closing(line: str, start: int) -> int:
    inside = False
    for index in range(start, len(line)):
        if line[index] == '"' and line[index - 1] != "\\":
            inside = not inside
        elif line[index] == "}" and not inside:
            return index
    raise ValueError(f"no closing brace in {line!r}")


def labels_of(text: str) -> Labels:
    """Return the labels of a series as it is written."""
    match = _SERIES.match(text.strip())
    if match is None:
        raise ValueError(f"no series: {text!r}")
    labels = {"__name__": match["name"]} if match["name"] else {}
    rest = match["labels"] or ""
    while rest.strip():
        label = _LABEL.match(rest)
        if label is None:
            raise ValueError(f"no labels: {rest!r}")
        labels[_unquoted(label["name"])] = _unquoted(label["value"])
        rest = rest[label.end() :]
    return tuple(sorted(labels.items()))


def _unquoted(text: str) -> str:
    if text[:1] not in {'"', "'"}:
        return text
    return text[1:-1].encode().decode("unicode_escape")


def _element(line: str) -> tuple[Labels | None, str]:
    series, value = _split_series(line)
    if not value:
        return None, series
    return (labels_of(series), value) if series else (None, value)


def _values(text: str) -> Iterator[Value]:
    for word in _words(text):
        histogram = _HISTOGRAM_RUN.match(word)
        if histogram is not None:
            if histogram["step"]:
                yield f"unsupported {word}"
                continue
            times = int(histogram["times"]) + 1 if histogram["times"] else 1
            yield from [histogram["first"]] * times
        else:
            yield from _run(word)


def _words(text: str) -> Iterator[str]:
    start, depth = None, 0
    for index, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if letter.isspace() and not depth:
            if start is not None:
                yield text[start:index]
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield text[start:]


def _run(word: str) -> Iterator[Value]:
    if word == "_":
        yield None
        return
    if word.startswith("_x"):
        yield from [None] * int(word[2:])
        return
    run = _RUN.match(word)
    if run is None:
        yield STALE if word == STALE else _number(word)
        return
    first, step = _number(run["first"]), float(run["step"] or 0)
    for _ in range(int(run["times"]) + 1):
        # Added up as Prometheus does, so that the last digits are its own.
        yield first
        first += step


def _number(word: str) -> float:
    lowered = word.lower().lstrip("+-")
    if lowered == "inf":
        return -math.inf if word.startswith("-") else math.inf
    return float(word)
