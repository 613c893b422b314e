"""PromQL selectors: the language in which series are chosen.

`parse` reads a vector selector such as `node_load1{instance=~"web.*"}` and nothing
else of PromQL. A label that a series does not have counts as empty, and regular
expressions are RE2 and match whole values, as in Prometheus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

from bridge.answers.errors import QuestionError
from bridge.sources import selectors as promql
from bridge.sources.selectors import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST: Final = 8192
_STRING: Final = re.compile(
    r"""  "(?:[^"\\]|\\.)*"  |  '(?:[^'\\]|\\.)*'  |  `[^`]*`  """,
    re.DOTALL | re.VERBOSE,
)
_BRACES: Final = re.compile(r"\{[^{}]*\}")
# The parser recurses into nested expressions until its stack ends and takes the
# process with it. No selector has any of these outside its strings and braces.
_EXPRESSION: Final = re.compile(r"[()\[\]@+*/%^<>-]|\b(?:and|or|unless|offset)\s")
_REASONS: Final = (
    ("[", "a range belongs into start and end, so leave out `[...]`"),
    ("@", "a time belongs into start and end, so leave out `@`"),
    ("offset", "a time belongs into start and end, so leave out `offset`"),
    ("(", "functions and aggregations are chosen by the parameter aggregate"),
)


@dataclass(frozen=True, slots=True)
class Condition:
    """What one label must be; `name` may be `__name__`."""

    name: str
    operator: str
    value: str
    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Selector:
    """What a series must satisfy."""

    conditions: tuple[Condition, ...]

    def matches(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether a series with this name and these labels is selected."""
        return all(
            one.accepts(metric if one.name == NAME else labels.get(one.name, ""))
            for one in self.conditions
        )

    @property
    def metric(self) -> str | None:
        """The only name that is selected, None if there may be several."""
        for one in self.of_name:
            if one.operator == "=":
                return one.value
        return None

    @property
    def of_name(self) -> tuple[Condition, ...]:
        """The conditions on the metric's name."""
        return tuple(one for one in self.conditions if one.name == NAME)

    @property
    def present(self) -> dict[str, str]:
        """Labels that must be there with exactly this value."""
        return {
            one.name: one.value
            for one in self.conditions
            if one.operator == "=" and one.value and one.name != NAME
        }


def parse(text: str, parameter: str = "match") -> Selector:
    """Read a vector selector; raise QuestionError for anything else."""
    if len(text) > _LONGEST:
        raise QuestionError(
            parameter, f"the selector is longer than {_LONGEST} characters"
        )
    _refuse_expressions(text, parameter)
    try:
        parsed = promql.parse(_STRING.sub(_escape_raw_string, text))
    except ValueError as error:
        raise QuestionError(parameter, str(error)) from error
    conditions = (
        Condition(one.label, one.operator, one.value, _acceptor(one, parameter))
        for one in sorted(parsed.matchers)
    )
    return Selector(tuple(conditions))


def _refuse_expressions(text: str, parameter: str) -> None:
    bare = _STRING.sub(" ", text)
    if any(quote in bare for quote in "\"'`"):
        raise QuestionError(parameter, f"{text!r} has a string without an end")
    bare = _BRACES.sub(" ", bare)
    if not _EXPRESSION.search(bare):
        return
    why = next(
        (reason for sign, reason in _REASONS if sign in bare),
        "operators between selectors are not supported",
    )
    raise QuestionError(parameter, f"{text!r} is more than a PromQL selector: {why}")


def _escape_raw_string(match: re.Match[str]) -> str:
    """Write a `raw` string with quotes, as the parser reads escapes in raw ones."""
    text = match[0]
    if not text.startswith("`"):
        return text
    escaped = text[1:-1].replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n") + '"'


def _acceptor(matcher: promql.Matcher, parameter: str) -> Callable[[str], bool]:
    if matcher.operator == "=":
        return matcher.value.__eq__
    if matcher.operator == "!=":
        return matcher.value.__ne__
    found = _compile(matcher.value, parameter).fullmatch
    if matcher.operator == "=~":
        return lambda text: found(text) is not None
    return lambda text: found(text) is None


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
