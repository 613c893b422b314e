"""What kind of thing a metric is: a counter only rises, a gauge does not.

Targets describe families; series have the names of their family plus suffixes. What is
said of a family decides, then conventions of naming. Where targets contradict each
other about the type of a family, nothing is said of it: the increase of a gauge would
be nonsense, and missing is better than wrong (RULES R31).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bridge.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bridge.sources.api import MetadataEntry

log = structlog.get_logger(__name__)

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
UNKNOWN: Final = "unknown"

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "counter": {"": COUNTER, "_total": COUNTER, "_created": GAUGE},
    "gauge": {"": GAUGE},
    "histogram": {
        "_bucket": COUNTER,
        "_sum": COUNTER,
        "_count": COUNTER,
        "_created": GAUGE,
    },
    "gaugehistogram": {
        "_bucket": GAUGE,
        "_sum": GAUGE,
        "_count": GAUGE,
        "_gsum": GAUGE,
        "_gcount": GAUGE,
    },
    "summary": {"": GAUGE, "_sum": COUNTER, "_count": COUNTER, "_created": GAUGE},
    "info": {"": GAUGE, "_info": GAUGE},
    "stateset": {"": GAUGE},
}
"""By type of family: the kind of its series, by suffix."""

_SUFFIXES: Final = ("", *sorted({s for said in _SAID.values() for s in said if s}))

_OF_PROMETHEUS: Final = frozenset(
    {
        "ALERTS",
        "ALERTS_FOR_STATE",
        "scrape_body_size_bytes",
        "scrape_duration_seconds",
        "scrape_sample_limit",
        "scrape_samples_post_metric_relabeling",
        "scrape_samples_scraped",
        "scrape_series_added",
        "scrape_timeout_seconds",
        "up",
    }
)
"""Gauges that Prometheus writes itself, of which no target says anything."""


_SPARE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Family:
    """What is said of a family; `type` is a word of the exposition formats."""

    type: str = UNKNOWN
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a series by its name: `kind` is counter, gauge or unknown."""

    kind: str = UNKNOWN
    help: str = ""
    unit: str = ""


def describe(
    name: str, labels: Iterable[str], families: Mapping[str, Family]
) -> Description:
    """Describe the series of a metric from its families, else from its name.

    `labels` are the names of its labels: `_bucket` without `le` is no histogram's.
    """
    text = Family()
    for family_name, suffix in _candidates(name):
        family = families.get(family_name)
        if family is None:
            continue
        kind = _SAID.get(family.type, {}).get(suffix)
        if kind is not None:
            return Description(kind, family.help, family.unit)
        if not suffix:
            text = family
    return Description(_by_convention(name, labels), text.help, text.unit)


def is_covered(name: str, families: Mapping[str, Family]) -> bool:
    """Whether anything is said of the metric, so that asking again brings nothing."""
    return name in _OF_PROMETHEUS or any(
        family in families for family, _ in _candidates(name)
    )


def families_of(metadata: Mapping[str, Sequence[MetadataEntry]]) -> dict[str, Family]:
    """Decide on one description per family from those of all its targets."""
    return {name: _agreed(entries) for name, entries in metadata.items()}


def _agreed(entries: Sequence[MetadataEntry]) -> Family:
    """Return what the entries agree on; of several texts the smallest that says any."""
    types = {entry.type for entry in entries} - {UNKNOWN, "untyped", ""}
    return Family(
        type=types.pop() if len(types) == 1 else UNKNOWN,
        help=min((entry.help for entry in entries if entry.help), default=""),
        unit=min((entry.unit for entry in entries if entry.unit), default=""),
    )


def _candidates(name: str) -> list[tuple[str, str]]:
    return [
        (name.removesuffix(suffix), suffix)
        for suffix in _SUFFIXES
        if name.endswith(suffix)
    ]


def _by_convention(name: str, labels: Iterable[str]) -> str:
    if name in _OF_PROMETHEUS:
        return GAUGE
    if name.endswith("_total") or (name.endswith("_bucket") and "le" in labels):
        return COUNTER
    return UNKNOWN


class Metadata:
    """The families that a server knows, read again when needed."""

    def __init__(
        self, fetch: Callable[[], Mapping[str, Sequence[MetadataEntry]]]
    ) -> None:
        self._fetch = fetch
        self.families: dict[str, Family] = {}
        self._absent: set[str] = set()
        self._may_ask = True

    def begin(self) -> None:
        """Allow one more reading on behalf of names that nothing is known of."""
        self._may_ask = True

    def refresh(self) -> set[str]:
        """Read what the targets say; return the families that it changed.

        Families that are no longer spoken of are remembered: a server that was
        restarted knows nothing until it has scraped, and old windows hold metrics that
        are gone. A server may not offer metadata at all. Raises SourceError.
        """
        self._may_ask = False
        try:
            fresh = families_of(self._fetch())
        except SourceError as error:
            if not error.permanent:
                raise
            log.warning("the server tells no metadata", error=str(error))
            fresh = {}
        stale, self.families = self.families, fresh
        if len(stale) <= 2 * len(fresh) + _SPARE:
            self.families = stale | fresh
        self._absent.clear()
        return {
            name for name, family in self.families.items() if stale.get(name) != family
        }

    def learn(self, names: Iterable[str]) -> set[str]:
        """Read again if a name is new and unknown; return the families that changed."""
        missing = {
            name
            for name in names
            if name not in self._absent and not is_covered(name, self.families)
        }
        if not missing:
            return set()
        changed = self.refresh() if self._may_ask else set()
        self._absent |= missing
        return changed


def is_affected(name: str, changed: set[str]) -> bool:
    """Whether the description of a metric may have changed with these families."""
    return any(family in changed for family, _ in _candidates(name))
