"""PromQL selectors: the language in which series are chosen.

`parse` reads a vector selector such as `node_load1{instance=~"web.*"}` and nothing
else of PromQL. A label that a series does not have counts as empty, and regular
expressions are RE2 and match whole values, as in Prometheus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import promql_parser
import re2

from bridge.answers.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME: Final = "__name__"
_LONGEST: Final = 8192
_STRING: Final = re.compile(
    r"""  "(?:[^"\\]|\\.)*"  |  '(?:[^'\\]|\\.)*'  |  `[^`]*`  """,
    re.DOTALL | re.VERBOSE,
)
# The parser recurses into nested expressions until its stack ends and takes the
# process with it. No selector has any of these outside its strings.
_EXPRESSION: Final = re.compile(r"[()\[\]@+*/%^<>-]|\b(?:and|or|unless|offset)\s")
_REASONS: Final = (
    ("[", "a range belongs into start and end, so leave out `[...]`"),
    ("@", "a time belongs into start and end, so leave out `@`"),
    ("offset", "a time belongs into start and end, so leave out `offset`"),
    ("(", "functions and aggregations are chosen by the parameter aggregate"),
)
_OPERATORS: Final = (
    (promql_parser.MatchOp.Equal, "="),
    (promql_parser.MatchOp.NotEqual, "!="),
    (promql_parser.MatchOp.Re, "=~"),
    (promql_parser.MatchOp.NotRe, "!~"),
)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; `name` may be `__name__`."""

    name: str
    operator: str
    value: str
    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """What a series must satisfy; `metric` is set where the name must be equal."""

    metric: str | None
    matchers: tuple[Matcher, ...]

    def matches(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether a series with this name and these labels is selected."""
        return all(
            matcher.accepts(
                metric if matcher.name == NAME else labels.get(matcher.name, "")
            )
            for matcher in self.matchers
        )

    @property
    def equalities(self) -> dict[str, str]:
        """Labels that must be present with exactly this value."""
        return {
            matcher.name: matcher.value
            for matcher in self.matchers
            if matcher.operator == "=" and matcher.value and matcher.name != NAME
        }

    @property
    def names(self) -> tuple[Matcher, ...]:
        """The conditions on the metric's name."""
        return tuple(matcher for matcher in self.matchers if matcher.name == NAME)


def parse(text: str, parameter: str = "match") -> Selector:
    """Read a vector selector; raise QuestionError for anything else."""
    if len(text) > _LONGEST:
        raise QuestionError(
            parameter, f"the selector is longer than {_LONGEST} characters"
        )
    _refuse_expressions(text, parameter)
    try:
        parsed = promql_parser.parse(_STRING.sub(_escape_raw_string, text))
    except ValueError as error:
        raise QuestionError(
            parameter, f"{_shown(text)} is not a PromQL selector: {error}"
        ) from error
    if not isinstance(parsed, promql_parser.VectorSelector):
        raise QuestionError(
            parameter, f"{_shown(text)} is a value and not a PromQL selector"
        )
    return _selector(parsed, text, parameter)


def _selector(
    parsed: promql_parser.VectorSelector, text: str, parameter: str
) -> Selector:
    if parsed.matchers.or_matchers:
        raise QuestionError(
            parameter,
            f"{_shown(text)} has `or` between matchers, which PromQL does not know; "
            "repeat the parameter instead",
        )
    matchers = [
        _matcher(matcher.name, _operator(matcher.op), matcher.value, parameter)
        for matcher in parsed.matchers.matchers
    ]
    if parsed.name is not None:
        matchers.insert(0, _matcher(NAME, "=", parsed.name, parameter))
    names = [m.value for m in matchers if m.name == NAME and m.operator == "="]
    return Selector(names[0] if names else None, tuple(matchers))


def _operator(parsed: promql_parser.MatchOp) -> str:
    return next(sign for operator, sign in _OPERATORS if operator == parsed)


def _refuse_expressions(text: str, parameter: str) -> None:
    bare = _STRING.sub(" ", text)
    if any(quote in bare for quote in "\"'`"):
        raise QuestionError(parameter, f"{_shown(text)} has a string without an end")
    if not _EXPRESSION.search(bare):
        return
    why = next(
        (reason for sign, reason in _REASONS if sign in bare),
        "operators between selectors are not supported",
    )
    raise QuestionError(
        parameter, f"{_shown(text)} is more than a PromQL selector: {why}"
    )


def _escape_raw_string(match: re.Match[str]) -> str:
    """Write a `raw` string with quotes, as the parser reads escapes in raw ones."""
    text = match[0]
    if not text.startswith("`"):
        return text
    escaped = text[1:-1].replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n") + '"'


def _matcher(name: str, operator: str, value: str, parameter: str) -> Matcher:
    if operator == "=":
        return Matcher(name, operator, value, value.__eq__)
    if operator == "!=":
        return Matcher(name, operator, value, value.__ne__)
    found = _compile(value, parameter).fullmatch
    if operator == "=~":
        return Matcher(name, operator, value, lambda text: found(text) is not None)
    return Matcher(name, operator, value, lambda text: found(text) is None)


def _compile(pattern: str, parameter: str) -> re2._Regexp:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise QuestionError(
            parameter,
            f"{pattern!r} is not an RE2 regular expression: "
            f"{reason.decode() if isinstance(reason, bytes) else reason}",
        ) from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:97] + "...")  # noqa: PLR2004 - fits a line
