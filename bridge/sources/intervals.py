"""How often series are sampled, so that missing samples can be told from none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import structlog

from bridge.sources.base import SourceError
from runtime.quantities import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bridge.sources.api import ActiveTarget

T = TypeVar("T")
log = structlog.get_logger(__name__)

Target: TypeAlias = tuple[str, str]
"""The labels `job` and `instance` that all series of a target carry."""

_GLOBAL: Final = re.compile(
    r"^global:\n(?:[ ]+\S.*\n)*?[ ]+scrape_interval:[ ]*(\S+)", re.MULTILINE
)


class Intervals:
    """Scrape intervals in milliseconds by target, 0 where unknown."""

    def __init__(
        self,
        fetch_targets: Callable[[], list[ActiveTarget]],
        fetch_config: Callable[[], str],
    ) -> None:
        self._fetch_targets = fetch_targets
        self._fetch_config = fetch_config
        self._by_target: dict[Target, int] = {}
        self._default = 0

    def refresh(self) -> None:
        """Read targets and configuration; a server without them has none.

        Raises SourceError.
        """
        self._by_target = _longest(_if_offered(self._fetch_targets, []))
        self._default = _global_interval(_if_offered(self._fetch_config, ""))

    def of(self, target: Target) -> int:
        """Return the interval of a target's series, else the server's usual one."""
        return self._by_target.get(target, self._default)


def samples_per_minute(interval_ms: int) -> int:
    """Return how many samples a full minute holds, 0 where that cannot be said."""
    return 60_000 // interval_ms if interval_ms > 0 else 0


def _longest(targets: Iterable[ActiveTarget]) -> dict[Target, int]:
    """Return intervals by target; of several with equal labels the longest.

    A series belongs to one of them, nobody knows to which; too long an interval reports
    no sample as missing that nobody was going to take.
    """
    found: dict[Target, int] = {}
    for target in targets:
        key = (target.labels.get("job", ""), target.labels.get("instance", ""))
        found[key] = max(found.get(key, 0), _milliseconds(target.scrapeInterval))
    return {key: interval for key, interval in found.items() if interval}


def _global_interval(config: str) -> int:
    found = _GLOBAL.search(config)
    return _milliseconds(found[1]) if found else 0


def _milliseconds(duration: str) -> int:
    try:
        return round(parse_duration(duration) * 1000)
    except ValueError:
        return 0


def _if_offered(fetch: Callable[[], T], otherwise: T) -> T:
    try:
        return fetch()
    except SourceError as error:
        if not error.permanent:
            raise
        log.warning("the server tells no intervals", error=str(error))
        return otherwise
