"""The metric names that a PromQL expression asks for, Grafana's variables and all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import promql_parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE: Final = re.compile(
    r"\$\{(\w+)(?:\.[\w.]+)?(?::[^}]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]"
)
"""`${name:format}`, `$name`, `[[name]]`."""

_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_IN_RANGE: Final = re.compile(r"(\[)((?:[^\[\]]|\[\[\w+\]\])*)(\])|(\boffset\s+)(\S+)")
_UNNAMED: Final = "epimetheus_variable"
"""Stands where only a name can; what contains it has no name yet."""

_NUMBERS: Final = ("_s", "_ms", "__from", "__to")
"""How Grafana's own variables end that are numbers: `$__range_s`, `$__interval_ms`."""

_PART: Final = re.compile(r"[a-zA-Z0-9_:]")
"""What makes a variable beside it a part of a word."""

_PLAIN: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NAMES: Final = re.compile(rf"\(?{_PLAIN.pattern}(?:\|{_PLAIN.pattern})*\)?")


_LONGEST: Final = 10_000
_DEEPEST: Final = 100
_SIGNS: Final = re.compile(rf"(?:[-+^]\s*){{{_DEEPEST}}}")


class CannotRead(ValueError):  # noqa: N818 - what it is about
    """An expression that is no PromQL, or says no names; the message says why."""


def names_in(text: str, values: Mapping[str, str] | None = None) -> set[str]:
    """Return the metric names of an expression; raise CannotRead.

    `values` are those of variables, where they are known. Others become what fits
    their place: a duration in a range, a word in a string, a number or a name
    elsewhere.
    """
    problem = _too_much(text)
    if problem:
        raise CannotRead(problem)
    for other in ("1", _UNNAMED, "sum"):
        try:
            tree = promql_parser.parse(_filled(text, values or {}, other))
        except ValueError as error:
            problem = problem or " ".join(str(error).split())
            continue
        names = set(_names(tree))
        if not names and VARIABLE.search(text):
            raise CannotRead("no name of a metric but what a variable may be")
        return names
    raise CannotRead(problem)


def _too_much(text: str) -> str:
    """Return why the parser, which calls itself for what is inside, is not asked."""
    if len(text) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST or _SIGNS.search(text):
        return "nested too deeply"
    return ""


def _filled(text: str, values: Mapping[str, str], other: str) -> str:
    """Return an expression without variables; `other` is for unknown ones."""

    def value_of(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name in values:
            return values[name]
        if name.startswith("__") and name.endswith(_NUMBERS):
            return "300"
        around = match.string[max(match.start() - 1, 0) : match.start()]
        around += match.string[match.end() : match.end() + 1]
        return _UNNAMED if _PART.search(around) else other

    def in_range(match: re.Match[str]) -> str:
        before, inside, after = match[1] or match[4], match[2] or match[5], match[3]
        return f"{before}{VARIABLE.sub('5m', inside)}{after or ''}"

    parts = []
    at = 0
    for string in _STRING.finditer(text):
        parts.append(_IN_RANGE.sub(in_range, text[at : string.start()]))
        parts.append(VARIABLE.sub("x", string[0]))
        at = string.end()
    parts.append(_IN_RANGE.sub(in_range, text[at:]))
    return VARIABLE.sub(value_of, "".join(parts))


def _names(tree: promql_parser.Expr) -> Iterator[str]:
    selectors: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)

    promql_parser.walk(tree, visit)
    for selector in selectors:
        yield from _selected(selector)


def _selected(selector: promql_parser.VectorSelector) -> Iterator[str]:
    if selector.name:
        if _UNNAMED in selector.name:
            raise CannotRead("a variable is part of the name of a metric")
        yield selector.name
        return
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__" and _NAMES.fullmatch(matcher.value):
            yield from matcher.value.strip("()").split("|")
            return
    raise CannotRead(f"no name of a metric in {selector.prettify()}")
