"""Selectors: which series of a Prometheus are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import promql_parser

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME: Final = "__name__"
_PLAIN_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATORS: Final = {
    str(promql_parser.MatchOp.Equal): "=",
    str(promql_parser.MatchOp.NotEqual): "!=",
    str(promql_parser.MatchOp.Re): "=~",
    str(promql_parser.MatchOp.NotRe): "!~",
}
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def is_plain(label: str) -> bool:
    """Whether every version of PromQL takes a label's name without quotes."""
    return _PLAIN_LABEL.fullmatch(label) is not None


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """A condition on a label; `operator` is one of = != =~ !~."""

    label: str
    operator: str
    value: str

    @property
    def is_any_name(self) -> bool:
        """Whether it only says that a series has a name, as all series have."""
        return self.label == NAME and (self.operator, self.value) in {
            ("=~", ".+"),
            ("=~", ".*"),
            ("!=", ""),
        }

    @property
    def is_firm(self) -> bool:
        """Whether it certainly refuses a series without the label."""
        return self.operator == "=" and self.value != ""

    def __str__(self) -> str:
        label = self.label if is_plain(self.label) else _quoted(self.label)
        return f"{label}{self.operator}{_quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that all must hold; without any it selects every series."""

    matchers: frozenset[Matcher] = frozenset()

    @property
    def name(self) -> str | None:
        """The only metric name it selects, None if it may select several."""
        for matcher in self.matchers:
            if matcher.label == NAME and matcher.operator == "=":
                return matcher.value
        return None

    def narrowed(self, matchers: Iterable[Matcher]) -> Selector:
        """Return the selector with further conditions."""
        return Selector(self.matchers | frozenset(matchers))

    def covers(self, other: Selector) -> bool:
        """Whether it obviously selects all that the other one does."""
        return self.matchers <= other.matchers

    @property
    def conditions(self) -> list[Matcher]:
        """What to ask a server for: never everything by no condition at all."""
        matchers = self.matchers
        if not any(matcher.label == NAME or matcher.is_firm for matcher in matchers):
            matchers |= {Matcher(NAME, "=~", ".+")}
        return sorted(matchers)

    def __str__(self) -> str:
        return f"{{{','.join(map(str, self.conditions))}}}"


def parse(text: str) -> Selector:
    """Read a PromQL selector such as `up` or `{job="node"}`.

    Raises ValueError, with the reason, for anything else.
    """
    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a PromQL selector: {error}") from error
    if not isinstance(expression, promql_parser.VectorSelector):
        raise ValueError(  # noqa: TRY004 - the value of a setting is wrong
            f"{text!r} is not a PromQL selector but a "
            f"{type(expression).__name__}; write a name, matchers in braces, or both"
        )
    if expression.offset is not None or expression.at is not None:
        raise ValueError(f"{text!r} must not have an offset or @: windows set the time")
    if expression.matchers.or_matchers:
        raise ValueError(f"{text!r} uses `or`; write one selector for each alternative")
    found = {
        Matcher(matcher.name, _OPERATORS[str(matcher.op)], matcher.value)
        for matcher in expression.matchers.matchers
    }
    if expression.name is not None:
        found.add(Matcher(NAME, "=", expression.name))
    return Selector(frozenset(item for item in found if not item.is_any_name))


def combine(selectors: Iterable[Selector]) -> tuple[Selector, ...]:
    """Return as few selectors as possible that select the same series.

    Selectors that differ only in the metric's name become one, and those that another
    one covers are left out.
    """
    rest: dict[frozenset[Matcher], set[str]] = {}
    for selector in selectors:
        name = selector.name
        others = selector.matchers - {Matcher(NAME, "=", name or "")}
        rest.setdefault(others, set()).update([] if name is None else [name])
        if name is None:
            rest[others].add("")
    merged = [_with_names(others, names) for others, names in rest.items()]
    return tuple(
        selector
        for selector in merged
        if not any(other != selector and other.covers(selector) for other in merged)
    )


def _with_names(others: frozenset[Matcher], names: set[str]) -> Selector:
    """Return the selector of some names; the empty name stands for all."""
    if "" in names:
        return Selector(others)
    if len(names) == 1:
        return Selector(others | {Matcher(NAME, "=", *names)})
    either = "|".join(map(re.escape, sorted(names)))
    return Selector(others | {Matcher(NAME, "=~", either)})


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'
