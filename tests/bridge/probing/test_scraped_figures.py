from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.probing.baselines import Figures
from bridge.probing.scraped_figures import checks_of, figures_at
from models.database import open_database
from tests.bridge.application import NOON
from tests.bridge.probing.scraped import Scraped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database

NAMES = {"gateway": 1, "web": 2}


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


def found(db: Database, since: int = 0) -> dict[tuple[int, str], Figures]:
    checks = checks_of(db, {"local"}, {"bulk"}, NAMES, since)
    return figures_at(db, checks, NOON)


def test_instances_are_summed_and_the_median_is_of_all_their_times(
    db: Database,
) -> None:
    scraped = Scraped(db)
    scraped.hour((100, 0, 0, 0), lost=50, instance="one")
    scraped.hour((0, 100, 100, 0), lost=50, instance="two")

    assert found(db) == {(1, "icmp"): Figures(400, 300, 0.015)}


def test_destinations_and_probes_are_told_apart(db: Database) -> None:
    scraped = Scraped(db)
    scraped.hour((10, 0, 0, 0))
    scraped.hour((0, 10, 0, 0), probe="ping10")
    scraped.hour((0, 0, 10, 0), destination="web")

    assert found(db) == {
        (1, "icmp"): Figures(10, 10, 0.005),
        (1, "ping10"): Figures(10, 10, 0.015),
        (2, "icmp"): Figures(10, 10, 0.03),
    }


def test_what_is_not_asked_for_is_left_out(db: Database) -> None:
    scraped = Scraped(db)
    scraped.hour((10, 0, 0, 0), job_name="kept")
    scraped.hour((10, 0, 0, 0), destination="gone")
    scraped.hour((10, 0, 0, 0), source="another")
    scraped.hour((10, 0, 0, 0), probe="")

    assert found(db) == {}


def test_series_that_ended_before_are_not_read(db: Database) -> None:
    Scraped(db).hour((10, 0, 0, 0))

    assert found(db, since=NOON + 3600)
    assert not found(db, since=NOON + 3601)


def test_an_hour_without_requests_or_of_another_time_is_none(db: Database) -> None:
    scraped = Scraped(db)
    scraped.hour((0, 0, 0, 0))
    scraped.hour((10, 0, 0, 0), start=NOON - 3600)

    assert found(db) == {}


def test_an_hour_without_an_answer_has_no_median(db: Database) -> None:
    Scraped(db).hour((0, 0, 0, 0), lost=10)

    assert found(db) == {(1, "icmp"): Figures(10, 0, None)}
