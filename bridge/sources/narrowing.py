"""Some of a source's series, named by selectors: whether they are its, and which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bridge.sources.matching import matcher_of, surely_covers
from bridge.sources.members import BOUND
from bridge.sources.metadata import HISTOGRAM
from bridge.sources.selectors import NAME, Matcher, Selector, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_MEMBERS: Final = ("_bucket", "_sum", "_count")
_CREATED: Final = "_created"


def narrowed(
    match: Iterable[str], settings: Sequence[Selector], replica_label: str
) -> list[Selector]:
    """Return what takes the series of a source that any of some selectors takes.

    Of a histogram it takes all parts that the settings take. Raises ValueError for a
    selector that the settings of the source do not surely cover.
    """
    found = []
    for text in match:
        selector = parse(text)
        if any(one.label == replica_label for one in selector.matchers):
            raise ValueError(
                f"{text!r} names {replica_label!r}, which is the replica_label of the "
                "source and no part of a series: leave it out"
            )
        covering = [one for one in settings if surely_covers(one, selector)]
        if not covering:
            known = " or ".join(map(str, settings))
            raise ValueError(
                f"{text!r} is not covered by the settings, so what it matches would "
                "never be kept up to date: add it to the selectors of the source "
                f"({known}), or write the conditions of one of them into it"
            )
        whole = whole_families(selector)
        found += [whole.narrowed(one.matchers) for one in covering]
    return found


def whole_families(selector: Selector) -> Selector:
    """Return a selector that takes all parts of a histogram of which it names one."""
    matchers = {one for one in selector.matchers if one.label != BOUND}
    name = selector.name or ""
    base = _base(name)
    if base:
        matchers.discard(Matcher(NAME, "=", name))
        either = "|".join((*_MEMBERS, _CREATED))
        whole = f"{re.escape(base)}({either})?"
        matchers.add(Matcher(NAME, "=~", whole))
    return Selector(frozenset(matchers))


def matching_stored(
    match: Sequence[str],
) -> Callable[[str, Mapping[str, str], str], bool]:
    """Return what says of metric, labels and kind of a series whether any takes it.

    A histogram is taken with any of its parts. Raises ValueError for what is no
    selector.
    """
    parsed = [parse(text) for text in match]
    plain = [matcher_of(one) for one in parsed]
    of_parts = [
        matcher_of(Selector(frozenset(m for m in one.matchers if m.label != BOUND)))
        for one in parsed
    ]

    def matches(metric: str, labels: Mapping[str, str], kind: str) -> bool:
        if kind != HISTOGRAM:
            return any(one(metric, labels) for one in plain)
        names = [metric, *(metric + suffix for suffix in _MEMBERS)]
        return any(one(name, labels) for one in of_parts for name in names)

    return matches


def _base(name: str) -> str:
    for suffix in _MEMBERS:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return ""
