"""Hours of echo requests as they are rolled up, of jobs that keep no results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.rollup.buckets.layouts import layout_id
from models.queries.layouts import remember
from tests.bridge.application import NOON
from tests.bridge.history import HOUR, History, Row
from tests.bridge.rollup.families import Scrape, windows

if TYPE_CHECKING:
    from models.database import Database

WEEK: Final = 7 * 86400
BOUNDS: Final = (0.01, 0.02, 0.04, float("inf"))


def times(*counts: int) -> bytes:
    """Return a blob of so many round-trip times by the bounds."""
    stood = [sum(counts[: place + 1]) for place in range(len(counts))]
    scrapes = [
        Scrape(0, (0,) * len(counts), bounds=BOUNDS),
        Scrape(1, tuple(stood), bounds=BOUNDS),
    ]
    (rows,) = windows(scrapes)
    blob = rows.buckets[0]
    assert isinstance(blob, bytes)
    return blob


class Scraped:
    """Writes such hours into a database."""

    def __init__(self, db: Database) -> None:
        self.history = History(db)
        with db.atomic():
            remember(db, {layout_id(BOUNDS): BOUNDS})

    def hour(
        self,
        counts: tuple[int, ...],
        lost: int = 0,
        *,
        start: int = NOON,
        week: int = 0,
        instance: str = "one",
        source: str = "local",
        **labels: str,
    ) -> None:
        """Write an hour of weeks ago: answers by bucket, and how many were lost."""
        at = start - week * WEEK
        given = {
            "destination": "gateway",
            "job_name": "bulk",
            "probe": "icmp",
            "instance": instance,
            **labels,
        }
        answers = float(sum(counts))
        for metric, kind, row in (
            ("netprobe_icmp_requests_total", "counter", Row(increase=answers + lost)),
            ("netprobe_icmp_replies_total", "counter", Row(increase=answers)),
            (
                "netprobe_icmp_rtt_seconds",
                "histogram",
                Row(sum=0.0, increase=answers, buckets=times(*counts)),
            ),
        ):
            number = self.history.series(
                metric, given, kind=kind, source=source, seen=NOON + 3600
            )
            self.history.rows(HOUR, number, {at: row})

    def done(
        self, start: int = NOON, state: str = "done", source: str = "local"
    ) -> None:
        """Say in the ledger how far an hour is."""
        self.history.mark(HOUR, [start], state, source=source)
