"""What kind of thing a metric is: a counter only rises, a gauge does not.

The buckets, the sum and the count of a histogram are members of its family.

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
from bridge.sources.members import BOUND, SUFFIXES, Role, bound_of
from bridge.sources.selectors import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from bridge.sources.api import MetadataEntry

log = structlog.get_logger(__name__)

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"
SUMMARY: Final = "summary"
UNKNOWN: Final = "unknown"

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "counter": {"": COUNTER, "_total": COUNTER, "_created": GAUGE},
    "gauge": {"": GAUGE},
    "histogram": {
        "_bucket": HISTOGRAM,
        "_sum": HISTOGRAM,
        "_count": HISTOGRAM,
        "_created": GAUGE,
    },
    "gaugehistogram": {
        "": GAUGE,
        "_bucket": GAUGE,
        "_sum": GAUGE,
        "_count": GAUGE,
        "_gsum": GAUGE,
        "_gcount": GAUGE,
    },
    "summary": {"": SUMMARY, "_sum": COUNTER, "_count": COUNTER, "_created": GAUGE},
    "info": {"": GAUGE, "_info": GAUGE},
    "stateset": {"": GAUGE},
}
"""By type of family: the kind of its series, by suffix."""

_QUANTILE: Final = "quantile"
_ROLES: Final = {suffix: role for role, suffix in SUFFIXES.items()}
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
    """What is known of a series by its name.

    `kind` is counter, gauge, histogram, summary or unknown. A histogram is described by
    its members, whose `role` is then not ALONE.
    """

    kind: str = UNKNOWN
    help: str = ""
    unit: str = ""
    role: Role = Role.ALONE


def describe(
    name: str,
    labels: Mapping[str, str],
    families: Mapping[str, Family],
    histograms: Collection[str] = frozenset(),
) -> Description:
    """Describe the series of a metric from its families, else from its name.

    `histograms` are families that are known to be some where nothing else is said.
    `_bucket` without a bound is no histogram's, and what has no quantile no summary's.
    """
    text = Family()
    for family_name, suffix in _candidates(name):
        family = families.get(family_name)
        if family is None:
            continue
        kind = _SAID.get(family.type, {}).get(suffix)
        if kind is not None:
            kind, role = _with_labels(kind, suffix, labels)
            return Description(kind, family.help, family.unit, role)
        if not suffix:
            text = family
    kind, role = _by_convention(name, labels, histograms)
    return Description(kind, text.help, text.unit, role)


def _with_labels(kind: str, suffix: str, labels: Mapping[str, str]) -> tuple[str, Role]:
    """Return kind and role of a series, of which labels have a say."""
    if kind == HISTOGRAM:
        role = _ROLES[suffix]
        if role is Role.BUCKET and bound_of(labels.get(BOUND, "")) is None:
            return COUNTER, Role.ALONE
        return HISTOGRAM, role
    if kind == SUMMARY and _QUANTILE not in labels:
        return GAUGE, Role.ALONE
    return kind, Role.ALONE


def family_of(name: str, role: Role) -> str:
    """Return the name of the family that a metric has a role in."""
    return name.removesuffix(SUFFIXES[role])


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


def _by_convention(
    name: str, labels: Mapping[str, str], histograms: Collection[str]
) -> tuple[str, Role]:
    if name in _OF_PROMETHEUS:
        return GAUGE, Role.ALONE
    if name.endswith("_total"):
        return COUNTER, Role.ALONE
    for role in (Role.BUCKET, Role.SUM, Role.COUNT):
        if not name.endswith(SUFFIXES[role]):
            continue
        if role is Role.BUCKET:
            is_member = bound_of(labels.get(BOUND, "")) is not None
        else:
            is_member = family_of(name, role) in histograms
        if is_member:
            return HISTOGRAM, role
    return UNKNOWN, Role.ALONE


class Metadata:
    """The families that a server knows, read again when needed.

    `histograms` are families that are known to be some by their buckets alone.
    """

    def __init__(
        self, fetch: Callable[[], Mapping[str, Sequence[MetadataEntry]]]
    ) -> None:
        self._fetch = fetch
        self.families: dict[str, Family] = {}
        self.histograms: set[str] = set()
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

    def describe(
        self, labels: Sequence[Mapping[str, str]]
    ) -> tuple[list[Description], set[str]]:
        """Describe series by their labels; return the families that this changed.

        Buckets make their family a histogram, and then its sum and its count are
        members as well: those that come with them and those that come later.
        """
        changed = self.learn(found[NAME] for found in labels if NAME in found)
        by_buckets = {
            name.removesuffix(SUFFIXES[Role.BUCKET])
            for found in labels
            if (name := found.get(NAME, "")).endswith(SUFFIXES[Role.BUCKET])
            and describe(name, found, {}).role is Role.BUCKET
        }
        new = {
            name
            for name in by_buckets - self.histograms
            if self.families.get(name, Family()).type not in _SAID
        }
        self.histograms |= new
        described = [
            describe(found.get(NAME, ""), found, self.families, self.histograms)
            for found in labels
        ]
        return described, changed | new


def is_affected(name: str, changed: set[str]) -> bool:
    """Whether the description of a metric may have changed with these families."""
    return any(family in changed for family, _ in _candidates(name))
