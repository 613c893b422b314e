"""The parts of a line of exposition text: names, labels, escapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_NAME: Final = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(rb"[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*")
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BLANK: Final = re.compile(rb"[ \t]*")
_NEXT: Final = re.compile(rb"[ \t]*(,[ \t]*\}|,|\})")
_ESCAPE: Final = re.compile(r'\\([\\n"])')
_ESCAPE_NO_QUOTE: Final = re.compile(r"\\([\\n])")
_SHOWN: Final = 80
"""The most bytes or characters of a target's text that an error quotes."""


class ExpositionError(ValueError):
    """A text that is no exposition; says the line, its number and what is wrong."""

    def on_line(self, number: int, line: bytes) -> Self:
        """Return the error with the place where it happened."""
        return type(self)(f"line {number}: {self} in {shown(line)}")


class TooManySamples(ExpositionError):  # noqa: N818 - a limit, not a mistake
    """A text with more samples than are allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A metric with its labels, as one line names it; equal to itself only."""

    metric: str
    labels: tuple[tuple[str, str], ...]


def shown(text: bytes | str) -> str:
    """Return the beginning of what a target said, in quotes, for an error."""
    start = text[:_SHOWN]
    if isinstance(start, bytes):
        start = start.decode("utf-8", "replace")
    return f"{start!r}{'...' if len(text) > _SHOWN else ''}"


def read_identity(line: bytes) -> tuple[Identity, int]:
    """Return the series that a line is about and where its value begins.

    Names in quotes, within the braces, may be any UTF-8. Raises ExpositionError.
    """
    match = _NAME.match(line)
    metric = match[0].decode() if match else ""
    end = match.end() if match else 0
    brace = _BLANK.match(line, end)
    labels: dict[str, str] = {}
    if brace is not None and line[brace.end() : brace.end() + 1] == b"{":
        quoted, labels, end = _read_labels(line, brace.end() + 1)
        metric = _only_one(metric, quoted)
    if not metric:
        raise ExpositionError("a metric name is expected")
    return Identity(metric, tuple(labels.items())), end


def read_name(line: bytes, start: int) -> tuple[str, bytes]:
    """Return the name that begins there and the text after it."""
    match = _NAME.match(line, start) or _QUOTED.match(line, start)
    if match is None:
        raise ExpositionError("a metric name is expected")
    name = unescape(match[1] if match.re is _QUOTED else match[0], quotes=True)
    rest = line[match.end() :]
    if rest[:1] not in {b"", b" ", b"\t"}:
        raise ExpositionError("a blank is expected after the metric name")
    return name, rest.strip(b" \t")


def unescape(text: bytes, *, quotes: bool) -> str:
    r"""Return text with \\ and \n, and \" if quotes are escaped too, put back.

    Other backslashes stay. Raises ExpositionError for text that is not UTF-8.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise ExpositionError("the text is not UTF-8") from None
    if "\\" not in decoded:
        return decoded
    pattern = _ESCAPE if quotes else _ESCAPE_NO_QUOTE
    return pattern.sub(lambda found: "\n" if found[1] == "n" else found[1], decoded)


def _read_labels(line: bytes, at: int) -> tuple[str, dict[str, str], int]:
    """Return the quoted metric name if there is one, the labels, and their end."""
    metric = ""
    labels: dict[str, str] = {}
    blank = _BLANK.match(line, at)
    at = blank.end() if blank else at
    if line[at : at + 1] == b"}":
        return metric, labels, at + 1
    while True:
        name, value, at = _read_label(line, at)
        if value is None:
            metric = _only_one(metric, name)
        elif name in labels:
            raise ExpositionError(f"the label {shown(name)} is there twice")
        elif name == "__name__":
            raise ExpositionError("__name__ must not be given as a label")
        else:
            labels[name] = value
        follows = _NEXT.match(line, at)
        if follows is None:
            raise ExpositionError("a comma or } is expected after a label")
        at = follows.end()
        if follows[1] != b",":
            return metric, labels, at


def _read_label(line: bytes, at: int) -> tuple[str, str | None, int]:
    """Return a label's name and value and its end; no value is a metric name."""
    match = _LABEL.match(line, at)
    if match is not None:
        name, at = match[1].decode(), match.end()
    else:
        quoted = _QUOTED.match(line, _BLANK.match(line, at).end())  # type: ignore[union-attr]  # blanks always match
        if quoted is None:
            raise ExpositionError("a label is expected")
        name, at = unescape(quoted[1], quotes=True), quoted.end()
        equals = re.compile(rb"[ \t]*=[ \t]*").match(line, at)
        if equals is None:
            return name, None, at
        at = equals.end()
    value = _QUOTED.match(line, at)
    if value is None:
        raise ExpositionError(f"the value of label {shown(name)} is not quoted text")
    return name, unescape(value[1], quotes=True), value.end()


def _only_one(metric: str, quoted: str) -> str:
    if metric and quoted:
        raise ExpositionError(f"two metric names, {shown(metric)} and {shown(quoted)}")
    return metric or quoted
