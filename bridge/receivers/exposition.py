"""The text that targets expose: format 0.0.4 of Prometheus, and OpenMetrics 1.0.

A line's beginning, up to the value, says which series it is. The same beginnings come
with every scrape, so they are parsed once and then looked up.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.receivers.lines import (
    ExpositionError,
    Identity,
    TooManySamples,
    read_identity,
    read_name,
    shown,
    unescape,
)
from bridge.sources.metadata import Family

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBER: Final = (
    rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf(?:inity)?|nan))"
)
_TEXT_VALUE: Final = re.compile(
    rb"[ \t]+(" + _NUMBER + rb")(?:[ \t]+(-?\d{1,18}))?[ \t]*"
)
_OPENMETRICS_VALUE: Final = re.compile(
    rb"[ \t]+(" + _NUMBER + rb")(?:[ \t]+(" + _NUMBER + rb"))?(?: # .*)?[ \t]*"
)
"""Before and after the format's own blanks, as many more as Prometheus allows."""
_COMMENT: Final = re.compile(rb"#[ \t]+(HELP|TYPE|UNIT)[ \t]+")
_EOF: Final = b"# EOF"
_TEXT_TYPES: Final = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})
_OPENMETRICS_TYPES: Final = frozenset(
    {
        "counter",
        "gauge",
        "gaugehistogram",
        "histogram",
        "info",
        "stateset",
        "summary",
        "unknown",
    }
)


@dataclass(slots=True)
class Exposition:
    """What a target exposed: series i has `values[i]` at `times[i]`.

    Times are UTC milliseconds, None where the target gives none. `families` are what
    it says of its metrics.
    """

    series: list[Identity] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: list[int | None] = field(default_factory=list)
    families: dict[str, Family] = field(default_factory=dict)


class Parser:
    """Parses what one target exposes, again and again.

    The identities it answers are the same objects as long as their lines come back.
    """

    def __init__(self) -> None:
        self._known: Mapping[bytes, Identity] = {}

    def parse(
        self, body: bytes, *, openmetrics: bool = False, limit: int = sys.maxsize
    ) -> Exposition:
        """Return all samples of a text, or raise ExpositionError for the first fault.

        `limit` is the most samples allowed.
        """
        reading = _Reading(self._known, openmetrics=openmetrics)
        lines = body.split(b"\n")
        if not lines[-1]:
            lines.pop()
        reading.take(lines, limit)
        self._known = reading.seen
        return reading.found


class _Reading:
    """One text on the way to an exposition."""

    def __init__(self, known: Mapping[bytes, Identity], *, openmetrics: bool) -> None:
        self._known = known
        self._openmetrics = openmetrics
        self._value = _OPENMETRICS_VALUE if openmetrics else _TEXT_VALUE
        self._ended = False
        self.seen: dict[bytes, Identity] = {}
        self.found = Exposition()

    def take(self, lines: Sequence[bytes], limit: int) -> None:
        """Read all lines; raises ExpositionError."""
        known, match_value, values = (
            self._known,
            self._value.fullmatch,
            self.found.values,
        )
        for number, line in enumerate(lines, 1):
            brace = line.rfind(b"}")
            key = line[: brace + 1] if brace > 0 else line[: line.find(b" ")]
            identity = known.get(key)
            value = identity and match_value(line, len(key))
            try:
                if identity and value and not self._ended:
                    self._add(key, identity, value)
                else:
                    self._take_unknown(line)
            except ExpositionError as error:
                raise error.on_line(number, line) from None
            if len(values) > limit:
                raise TooManySamples(f"there are more than {limit} samples")
        if self._openmetrics and not self._ended:
            raise ExpositionError("the text does not end with # EOF")

    def _add(self, key: bytes, identity: Identity, value: re.Match[bytes]) -> None:
        self.seen[key] = identity
        self.found.series.append(identity)
        self.found.values.append(float(value[1]))
        self.found.times.append(None if value[2] is None else self._time(value[2]))

    def _take_unknown(self, line: bytes) -> None:
        text = line.lstrip(b" \t")
        if self._ended:
            raise ExpositionError("there is text after # EOF")
        if text[:1] == b"#":
            self._comment(line)
        elif text:
            self._sample(text)
        elif self._openmetrics:
            raise ExpositionError("OpenMetrics has no empty lines")

    def _sample(self, line: bytes) -> None:
        identity, end = read_identity(line)
        key = line[:end]
        value = self._value.fullmatch(line, end)
        if value is None:
            expected = "a number and perhaps a time are expected, not"
            raise ExpositionError(f"{expected} {shown(line[end:])}")
        self._add(key, self._known.get(key) or self.seen.get(key, identity), value)

    def _time(self, token: bytes) -> int:
        if not self._openmetrics:
            return int(token)
        seconds = float(token)
        if not math.isfinite(seconds):
            raise ExpositionError(f"{shown(token)} is not a time in seconds")
        return round(seconds * 1000)

    def _comment(self, line: bytes) -> None:
        match = _COMMENT.match(line)
        if match is not None:
            self._describe(match[1].decode(), *read_name(line, match.end()))
        elif self._openmetrics:
            if line != _EOF:
                raise ExpositionError("OpenMetrics has no comments")
            self._ended = True

    def _describe(self, keyword: str, name: str, text: bytes) -> None:
        families = self.found.families
        family = families.get(name, Family(type="unknown"))
        said = unescape(text, quotes=self._openmetrics)
        match keyword:
            case "HELP":
                families[name] = Family(family.type, said, family.unit)
            case "UNIT":
                families[name] = Family(family.type, family.help, said)
            case _:
                allowed = _OPENMETRICS_TYPES if self._openmetrics else _TEXT_TYPES
                if said not in allowed:
                    raise ExpositionError(f"{shown(said)} is not a type of metric")
                kind = "unknown" if said == "untyped" else said
                families[name] = Family(kind, family.help, family.unit)
