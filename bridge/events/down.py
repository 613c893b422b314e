"""Finds failed scrapes in the `up` series that Prometheus keeps of every target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.events.event import AVAILABILITY, Event, Seen, as_metadata, occurrences
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import target

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRAPE_FAILED: Final = "scrape_failed"
"""The type of a failed scrape, whoever scraped."""


@dataclass(frozen=True, slots=True)
class Down:
    """One event per target and window in which `up` was 0; occurrences are the zeros.

    Why a scrape failed is known to Prometheus alone, so the event does not say.
    """

    @property
    def name(self) -> str:
        """What its events say recorded them."""
        return "down"

    def wants(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether the series is an `up`."""
        del labels
        return metric == "up"

    def detect(self, seen: Seen) -> Event | None:
        """Return the failed scrapes of a window; samples of `up` are 0 or 1."""
        failed = 0 if seen.sum is None else occurrences(seen.count - seen.sum)
        if not failed:
            return None
        job, instance = seen.labels.get("job", ""), seen.labels.get("instance", "")
        return Event(
            source=seen.source,
            fingerprint=fingerprint(self.name, seen.labels),
            time=seen.time,
            detector=self.name,
            category=AVAILABILITY,
            type=SCRAPE_FAILED,
            message=f"Scrape of {target(job, instance)} failed "
            f"{failed} of {seen.count} times.",
            occurrences=failed,
            endpoint=instance,
            workspace=seen.workspace,
            environment=seen.environment,
            metadata=as_metadata(labels=dict(seen.labels), scrapes=seen.count),
        )
