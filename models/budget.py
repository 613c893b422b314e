"""The budget of a source's series: what is beyond it shares overflow series (R76)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of
from models.folded import MARK, overflow_labels

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from peewee import Database

    from models.naming import SeriesFacts

_OWN: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""Metrics of the targets themselves, a few for each, that evidence rests on."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` series of a source get rows of their own; 0 is no limit.

    Others share one series for each metric and value of the labels `kept`. A series
    that has an id keeps it; what tells of targets is never folded. One whose labels are
    those of an overflow series always is, so that the two are told apart.
    """

    db: Database
    limit: int
    kept: tuple[str, ...] = ("job",)

    def apply(
        self,
        source: str,
        facts: Sequence[SeriesFacts],
        known: Container[tuple[str, str]],
    ) -> Sequence[SeriesFacts]:
        """Return facts with those of overflow series where there is no room.

        The same object if there is room for all. `known` has the metrics and labels
        that have ids.
        """
        there = ((one.metric, one.labels) for one in facts)
        new = {identity for identity in there if identity not in known}
        if not self.limit or not new:
            return facts
        room = self.limit - self._count(source)
        if room >= len(new):
            return facts
        own: dict[tuple[str, str], SeriesFacts] = {}
        for fact in facts:
            identity = fact.metric, fact.labels
            if identity in own or identity not in new:
                continue
            own[identity] = fact
            if room <= 0 and fact.metric not in _OWN:
                labels = overflow_labels(fact.labels, self.kept)
                own[identity] = replace(fact, labels=labels)
            room -= 1
        return [own.get((fact.metric, fact.labels), fact) for fact in facts]

    def always_folds(self, fact: SeriesFacts) -> bool:
        """Whether a series is called what the overflow series that takes it is."""
        if not self.limit or fact.metric in _OWN or MARK not in fact.labels:
            return False
        return fact.labels == overflow_labels(fact.labels, self.kept)

    def _count(self, source: str) -> int:
        found: list[Any] = rows_of(
            self.db, "SELECT COUNT(*) FROM series WHERE source = ?", (source,)
        )
        return int(found[0][0])
