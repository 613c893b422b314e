"""Whether a series is selected, decided here instead of by a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import re2

from bridge.sources.selectors import NAME, Selector, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.sources.selectors import Matcher


def matching(selector: str) -> Callable[[str, Mapping[str, str]], bool]:
    """Return what says of a metric and its labels whether a selector takes them.

    As in Prometheus, a label that is missing is empty, and regular expressions are RE2
    and match whole values. Raises ValueError for what is no selector.
    """
    return matcher_of(parse(selector))


def matcher_of(selector: Selector) -> Callable[[str, Mapping[str, str]], bool]:
    """Return what says of a metric and its labels whether a selector takes them."""
    conditions = [(one.label, _acceptor(one)) for one in selector.matchers]

    def matches(metric: str, labels: Mapping[str, str]) -> bool:
        return all(
            accepts(metric if label == NAME else labels.get(label, ""))
            for label, accepts in conditions
        )

    return matches


def surely_covers(wide: Selector, narrow: Selector) -> bool:
    """Whether a selector takes every series that another one takes.

    False where that does not follow from the same condition, or from an equal sign.
    """
    fixed = {one.label: one.value for one in narrow.matchers if one.operator == "="}
    return all(
        one in narrow.matchers
        or (one.label in fixed and _acceptor(one)(fixed[one.label]))
        for one in wide.matchers
    )


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
