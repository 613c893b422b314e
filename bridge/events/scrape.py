"""The event of a scrape that failed when the bridge itself scraped."""

from __future__ import annotations

from typing import Final

from bridge.events.down import SCRAPE_FAILED
from bridge.events.event import AVAILABILITY, Event, as_metadata
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence, target

SCRAPE: Final = "scrape"
"""What these events say recorded them."""


def scrape_failed_event(  # noqa: PLR0917  # the facts of a failure, as they are told
    source: str, job: str, instance: str, time_ms: int, reason: str, message: str
) -> Event:
    """Return the event of one failed scrape; `reason` is a word, `message` explains.

    Failures of a target for different reasons have different fingerprints.
    """
    return Event(
        source=source,
        fingerprint=fingerprint(SCRAPE, job, instance, reason),
        time=time_ms,
        detector=SCRAPE,
        category=AVAILABILITY,
        type=SCRAPE_FAILED,
        message=sentence(f"Scrape of {target(job, instance)} failed: {message}"),
        endpoint=instance,
        metadata=as_metadata(job=job, instance=instance, reason=reason),
    )
