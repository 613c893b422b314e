"""Metrics that others wrote, read from the text format 0.0.4 of Prometheus.

As strict as Go's parser, since what it refuses is usually half a file:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors.base import Kind

Labels = tuple[tuple[str, str], ...]
"""Names and values in the order of names."""

_KINDS: Final[dict[str, Kind]] = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "summary": "summary",
    "untyped": "unknown",
}
_SUFFIXES: Final = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
_NAME: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_COMMENT: Final = re.compile(rf"#[ \t]*(HELP|TYPE)[ \t]+({_NAME})(?:[ \t](.*))?$")
_SAMPLE: Final = re.compile(
    rf"({_NAME})(?:[ \t]*\{{(.*)\}}[ \t]*|[ \t]+)([^ \t{{}}]+)(?:[ \t]+(-?\d+))?"
)
_LABEL: Final = re.compile(
    r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)'
)
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPED: Final = {"\\": "\\", "n": "\n", '"': '"'}


class BadText(ValueError):  # noqa: N818 - what it is about
    """A text that is not in the format; says why, and in which line."""


class Foreign(Metric):
    """A metric that somebody else named, however counters should be called."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Accept every name."""


@dataclass(slots=True)
class Read:
    """A family of a text: samples by suffix of their name and labels, in its order."""

    name: str
    kind: Kind = "unknown"
    help: str | None = None
    is_typed: bool = False
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)


def parse(text: str) -> dict[str, Read]:
    """Return the families of a text by name; raise BadText if a line is none.

    Timestamps are refused: who scrapes says when a sample was taken.
    """
    if text and not text.endswith("\n"):
        raise BadText("the last line does not end; is the file being written?")
    found: dict[str, Read] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            _line(line.strip(" \t\r"), found)
        except ValueError as error:
            raise BadText(f"line {number}: {error}") from error
    return {name: read for name, read in found.items() if read.samples}


def _line(line: str, found: dict[str, Read]) -> None:
    if line.startswith("#"):
        if said := _COMMENT.match(line):
            _describe(said[1], said[2], said[3] or "", found)
        return
    if not line:
        return
    sample = _SAMPLE.fullmatch(line)
    if sample is None:
        raise ValueError(f"is no sample: {line[:80]!r}")
    name, labels, number, timestamp = sample.groups()
    if timestamp is not None:
        raise ValueError("has a timestamp, which is not supported")
    read, suffix = _family_of(name, found)
    read.samples.append((suffix, _labels(labels or "", read, suffix), _value(number)))


def _describe(word: str, name: str, rest: str, found: dict[str, Read]) -> None:
    read = found.setdefault(name, Read(name))
    if word == "HELP":
        if read.help is not None:
            raise ValueError(f"a second HELP of {name}")
        read.help = _unescape(rest, r"\n") or None
        return
    kind = _KINDS.get(rest.strip())
    if kind is None:
        raise ValueError(f"{rest.strip()!r} is no type of a metric")
    if read.is_typed or read.samples:
        raise ValueError(f"a second TYPE of {name}, or one after its samples")
    read.kind, read.is_typed = kind, True


def _family_of(name: str, found: dict[str, Read]) -> tuple[Read, str]:
    """Return the family that a sample belongs to, and the suffix of its name."""
    if name not in found:
        for suffix in ("_bucket", "_sum", "_count"):
            read = found.get(name.removesuffix(suffix))
            if read and name.endswith(suffix) and suffix in _suffixes(read):
                return read, suffix
    return found.setdefault(name, Read(name)), ""


def _suffixes(read: Read) -> tuple[str, ...]:
    return _SUFFIXES.get(read.kind, ())


def _labels(text: str, read: Read, suffix: str) -> Labels:
    pairs = dict(_pairs(text))
    edge = {"histogram": "le", "summary": "quantile"}.get(read.kind)
    if edge is not None:
        is_edge = suffix == ("_bucket" if read.kind == "histogram" else "")
        if is_edge != (edge in pairs) or (suffix == "" and read.kind == "histogram"):
            raise ValueError(f"is no sample of the {read.kind} {read.name}")
    return tuple(sorted(pairs.items()))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    at, seen = 0, set()
    while text[at:].strip():
        pair = _LABEL.match(text, at)
        if pair is None:
            raise ValueError(f"are no labels: {text[at : at + 80]!r}")
        name = pair[1]
        if name in seen or name == "__name__":
            raise ValueError(f"label {name} is there twice, or is reserved")
        seen.add(name)
        yield name, _unescape(pair[2], r'\n"')
        at = pair.end()


def _unescape(text: str, allowed: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] not in allowed:
            raise ValueError(f"there is no escape {found[0]!r}")
        return _ESCAPED[found[1]]

    return _ESCAPE.sub(one, text)


def _value(text: str) -> float:
    if "_" in text:
        raise ValueError(f"{text!r} is no number")
    return float(text)
