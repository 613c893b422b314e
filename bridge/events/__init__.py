"""Error events: which failures are recorded, and what finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.events.alerts import Alerts
from bridge.events.double_scraping import DoubleScraping
from bridge.events.down import Down
from bridge.events.statuses import Statuses

if TYPE_CHECKING:
    from bridge.events.event import Detector
    from runtime import settings as config


def detectors(settings: config.Events, source_kind: str) -> tuple[Detector, ...]:
    """Return what looks for failures in the rows of a source of this kind.

    A source that scrapes by itself knows why a scrape failed and says so directly
    (`bridge.events.scrape`), so its rows are not asked.
    """
    statuses = Statuses(settings.status_labels, settings.endpoint_labels)
    table: tuple[tuple[bool, Detector], ...] = (
        (settings.down and source_kind == "prometheus", Down()),
        (settings.statuses, statuses),
        (settings.alerts, Alerts()),
        (settings.double_scraping, DoubleScraping()),
    )
    return tuple(detector for is_on, detector in table if is_on)
