"""Whether a series is selected, decided here instead of by a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import re2

from bridge.sources.selectors import NAME, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.sources.selectors import Matcher


def matching(selector: str) -> Callable[[str, Mapping[str, str]], bool]:
    """Return what says of a metric and its labels whether a selector takes them.

    As in Prometheus, a label that is missing is empty, and regular expressions are RE2
    and match whole values. Raises ValueError for what is no selector.
    """
    conditions = [(one.label, _acceptor(one)) for one in parse(selector).matchers]

    def matches(metric: str, labels: Mapping[str, str]) -> bool:
        return all(
            accepts(metric if label == NAME else labels.get(label, ""))
            for label, accepts in conditions
        )

    return matches


def _acceptor(matcher: Matcher) -> Callable[[str], bool]:
    if matcher.operator == "=":
        return matcher.value.__eq__
    if matcher.operator == "!=":
        return matcher.value.__ne__
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        found = re2.compile(matcher.value, options).fullmatch
    except re2.error as error:
        raise ValueError(
            f"{matcher.value!r} is not an RE2 regular expression"
        ) from error
    if matcher.operator == "=~":
        return lambda text: found(text) is not None
    return lambda text: found(text) is None
