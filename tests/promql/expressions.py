"""What of an expression stored rows can answer: one function of one range."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.promql.storage import Samples

FUNCTIONS: Final = frozenset(
    {
        "avg_over_time",
        "changes",
        "count_over_time",
        "increase",
        "last_over_time",
        "max_over_time",
        "min_over_time",
        "present_over_time",
        "rate",
        "resets",
        "sum_over_time",
    }
)


class Skip(Exception):  # noqa: N818 - an answer, not a mistake
    """The evaluation is not one that rows answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Range:
    """A function of the samples of `(T - width, T]`; of all samples without one.

    `quantile` is the first argument of `histogram_quantile`, whose histograms are
    those of the range or, without one, what stood last.
    """

    function: str
    name: str
    matchers: tuple[Any, ...]
    width_ms: int | None
    quantile: float | None = None

    def selects(self, series: Samples) -> bool:
        """Whether a series is among those asked for."""
        if self.name and series.name != self.name:
            return False
        labels = dict(series.labels)
        return all(_fits(labels.get(m.name, ""), m) for m in self.matchers)


def read(text: str) -> Range:
    """Return what an expression asks for; raise Skip for what rows do not answer."""
    try:
        tree = promql.parse(text)
    except ValueError as error:
        raise Skip(f"the parser does not know it: {error}") from error
    if not isinstance(tree, promql.Call):
        raise Skip(f"{type(tree).__name__} is no range function")
    name = tree.func.name
    arguments = [_bare(argument) for argument in tree.args]
    if name == "histogram_quantile":
        return _quantile(arguments)
    if name not in FUNCTIONS:
        raise Skip(f"{name} is not kept in rows")
    return _range(name, arguments[0])


def _quantile(arguments: list[Any]) -> Range:
    quantile, histograms = _number(arguments[0]), arguments[1]
    width = None
    if isinstance(histograms, promql.Call) and histograms.func.name in {
        "rate",
        "increase",
    }:
        histograms = _bare(histograms.args[0])
        found = _range("histogram_quantile", histograms)
        width = found.width_ms
        histograms = histograms.vector_selector
    if not isinstance(histograms, promql.VectorSelector):
        raise Skip(f"histogram_quantile of a {type(histograms).__name__}")
    selector = _selector(histograms)
    return Range("histogram_quantile", *selector, width, quantile)


def _range(function: str, argument: Any) -> Range:
    if not isinstance(argument, promql.MatrixSelector):
        raise Skip(f"{function} of a {type(argument).__name__}")
    width = round(argument.range.total_seconds() * 1000)
    return Range(function, *_selector(argument.vector_selector), width)


def _selector(selector: Any) -> tuple[str, tuple[Any, ...]]:
    if selector.offset is not None or selector.at is not None:
        raise Skip("offset and @ are Prometheus' own")
    if selector.matchers.or_matchers:
        raise Skip("or between matchers")
    return selector.name or "", tuple(selector.matchers.matchers)


def _bare(expression: Any) -> Any:
    while isinstance(expression, promql.ParenExpr):
        expression = expression.expr
    return expression


def _number(expression: Any) -> float:
    expression = _bare(expression)
    if isinstance(expression, promql.UnaryExpr):
        return -_number(expression.expr)
    if isinstance(expression, promql.BinaryExpr):
        return _number(expression.lhs) / _number(expression.rhs)
    if not isinstance(expression, promql.NumberLiteral):
        raise Skip("the quantile is computed")
    return float(expression.val)


def _fits(value: str, matcher: Any) -> bool:
    if matcher.op == promql.MatchOp.Equal:
        return bool(value == matcher.value)
    if matcher.op == promql.MatchOp.NotEqual:
        return bool(value != matcher.value)
    found = re.fullmatch(matcher.value, value) is not None
    return found if matcher.op == promql.MatchOp.Re else not found


def times_of(asked: Iterable[tuple[int, Range]]) -> list[int]:
    """Return the times that must be whole minutes for rows to answer."""
    return [
        time for at, one in asked for time in (at, one.width_ms) if time is not None
    ]
