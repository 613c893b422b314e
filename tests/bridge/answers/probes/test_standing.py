from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.probes.standing import Summary, standing, summary
from bridge.answers.times import Span
from models.queries import catalogue, entries, stories
from models.queries.entries import DESTINATIONS, JOBS
from tests.probed import BEGIN, MINUTE, destination, failure, known, result, run, store

if TYPE_CHECKING:
    from models.database import Database

HOUR = Span(BEGIN / 1000, BEGIN / 1000 + 3600)


def fill(db: Database, minutes: range, bad: range) -> None:
    for minute in minutes:
        at = BEGIN + minute * MINUTE
        found = failure("a", at) if minute in bad else result("a", at, rtts=(minute,))
        store(db, run(at, found))


def test_a_destination_is_told_by_its_results(db: Database) -> None:
    known(db, "a", "b")
    stories.set_status(db, 1, "error", BEGIN + 7, BEGIN + 5)
    fill(db, range(1, 61), range(57, 60))
    fill(db, range(58, 59), range(58, 59))  # once more
    told = standing(db, "a", HOUR)
    assert (told.status, told.since, told.last_seen) == ("error", BEGIN + 7, BEGIN + 5)
    assert (told.checks, told.successes) == (59, 56)
    assert told.success_rate == 56 / 59
    assert told.loss == pytest.approx(3 / 59)
    assert told.uptime == 56 / 59
    assert told.known == 59 * 60
    assert told.rtt_mean == sum(range(1, 57)) / 56
    assert told.last_check == BEGIN + 59 * MINUTE + 3
    assert told.last_rtt == 56
    assert [one.scheduled_ms for one in told.failures] == [
        BEGIN + minute * MINUTE for minute in (59, 58, 57)
    ]


def test_one_without_results_has_no_figures(db: Database) -> None:
    known(db, "a")
    told = standing(db, "a", HOUR)
    assert told.status == "unknown"
    assert (told.checks, told.success_rate, told.uptime) == (0, None, None)
    assert (told.known, told.last_check, told.failures) == (0.0, None, ())
    with pytest.raises(QuestionError):
        standing(db, "nobody", HOUR)


def test_one_that_is_off_or_gone_says_so(db: Database) -> None:
    document = destination("off", enabled=False)
    catalogue.create(db, DESTINATIONS, document, origin="api", now=0)
    assert standing(db, "off", HOUR).status == "inactive"
    known(db, "a")
    fill(db, range(3), range(0))
    for table, name in ((JOBS, "gateways"), (DESTINATIONS, "a")):
        catalogue.delete(db, table, name, revision=None, now=BEGIN + 5 * MINUTE)
    told = standing(db, "a", HOUR)
    assert (told.status, told.checks, told.uptime) == ("deleted", 3, 1.0)


def test_all_are_well_if_none_is_in_error_and_nearly_all_succeeds(
    db: Database,
) -> None:
    assert summary(db, HOUR) == Summary(0, {}, 0, None, "unknown")
    known(db, "a", "b")
    fill(db, range(20), range(0))
    assert summary(db, HOUR) == Summary(2, {"unknown": 2}, 20, 1.0, "healthy")
    stories.set_status(db, 2, "error", 0, None)
    assert summary(db, HOUR).health == "degraded"
    stories.set_status(db, 2, "active", 0, None)
    fill(db, range(20, 22), range(20, 22))
    told = summary(db, HOUR)
    assert (told.success_rate, told.health) == (20 / 22, "degraded")
    assert entries.count(db, DESTINATIONS, entries.Sought()) == told.total
