"""Finds targets that are scraped more often than they should be (R39).

Two servers that write the same series into one, with no label that tells them apart,
make every count twice what it is and every counter restless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.events.event import COVERAGE, Event, Seen, as_metadata
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

DOUBLE_SCRAPING: Final = "double_scraping"
_TOO_MANY: Final = 1.5
"""Samples for each that was expected; one more or less is where windows are cut."""


class DoubleScraping:
    """Sees more samples of `up` than scrapes; see `bridge.events.event.Detector`."""

    @property
    def name(self) -> str:
        """What its events say recorded them."""
        return DOUBLE_SCRAPING

    def wants(self, metric: str, labels: Mapping[str, str]) -> bool:  # noqa: ARG002 - any
        """Whether the series is the `up` of a target: one event for all its series."""
        return metric == "up"

    def detect(self, seen: Seen) -> Event | None:
        """Return the event of a target with more than 1.5 times the samples expected.

        Where one is expected, two may be; only three are too many.
        """
        if not seen.expected or seen.count <= _TOO_MANY * seen.expected:
            return None
        if seen.count <= seen.expected + 1:
            return None
        job, instance = seen.labels.get("job", ""), seen.labels.get("instance", "")
        return Event(
            source=seen.source,
            fingerprint=fingerprint(DOUBLE_SCRAPING, job, instance),
            time=seen.time,
            detector=DOUBLE_SCRAPING,
            category=COVERAGE,
            type="double_scraping",
            message=sentence(
                f"The target {instance} of job {job} was scraped {seen.count} times in "
                f"a minute instead of {seen.expected}: two servers write its series; "
                "set replica_label to the label that tells them apart, or scrape once"
            ),
            metadata=as_metadata(
                expected=seen.expected, instance=instance, job=job, samples=seen.count
            ),
        )
