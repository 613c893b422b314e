from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.answers.errors import QuestionError
from bridge.answers.host import Unknown, find_host, share
from tests.bridge.history import HOUR, MINUTE, History, counter, gauge

if TYPE_CHECKING:
    from models.database import Database

NOON = 1_795_262_400
NAMES = ("node_load1", "sent_total", "pages")


@pytest.fixture
def history(db: Database) -> History:
    made = History(db)
    of = {"instance": 'a"b\\c'}
    load = made.series("node_load1", of)
    sent = made.series("sent_total", {**of, "device": "eth0"}, kind="counter")
    pages = made.series("pages", of, kind="unknown")
    made.rows(MINUTE, load, {NOON: gauge(2.0)})
    made.rows(MINUTE, sent, {NOON: counter(120.0)})
    made.rows(MINUTE, pages, {NOON - 60: gauge(9.0), NOON: gauge(3.0)})
    made.rows(HOUR, load, {NOON - 3600: gauge(5.0)})
    made.mark(MINUTE, [NOON - 60, NOON])
    made.mark(HOUR, [NOON - 3600])
    return made


@pytest.mark.usefixtures("history")
def test_figures_of_a_host_are_those_of_its_window(db: Database) -> None:
    found = find_host(db, 'a"b\\c', NAMES, None, NOON + 60.0)
    host = found.host
    assert (host.stretch.start, found.reason) == (NOON, "the newest minute")
    assert (host.avg("node_load1"), host.rate("sent_total")) == (2.0, 2.0)
    assert host.last("sent_total") == 130
    assert host.by("device", "sent_total") == ["eth0"]
    with pytest.raises(Unknown, match="there is no nothing"):
        host.avg("nothing")
    # It fell, so that nobody knows by how much it rose.
    with pytest.raises(Unknown, match="pages has no known rise in this window"):
        host.rate("pages")


@pytest.mark.usefixtures("history")
def test_the_finest_window_that_says_anything_is_taken(db: Database) -> None:
    found = find_host(db, 'a"b\\c', NAMES, NOON - 600.0, NOON + 60.0)
    assert found.host.stretch.resolution is HOUR
    assert found.host.avg("node_load1") == 5.0
    with pytest.raises(QuestionError):
        find_host(db, 'a"b\\c', NAMES, NOON - 90_000.0, NOON + 60.0)
    with pytest.raises(QuestionError):
        find_host(db, "other", NAMES, None, NOON + 60.0)


def test_a_target_that_is_gone_does_not_hide_one_that_is_there(
    db: Database,
) -> None:
    made = History(db)
    for name in ("node_load1", "node_load5"):
        old = made.series(name, {"instance": "a", "job": "old"})
        made.rows(MINUTE, old, {NOON - 600: gauge(9.0)})
    new = made.series("node_load1", {"instance": "a", "job": "new"})
    made.rows(MINUTE, new, {NOON: gauge(2.0)})
    made.mark(MINUTE, range(NOON - 600, NOON + 60, 60))
    names = ("node_load1", "node_load5")
    for time, job in ((None, "new"), (NOON + 1.0, "new"), (NOON - 599.0, "old")):
        assert find_host(db, "a", names, time, NOON + 60.0).job == job
    found = find_host(db, "a", names, None, NOON + 60.0)
    assert found.notes == (
        "job 'old' of source local knows this instance too, and is left out",
    )


def test_rates_of_an_hour_that_goes_on_are_of_the_time_that_is_known(
    db: Database,
) -> None:
    made = History(db)
    sent = made.series("sent_total", {"instance": "a"}, kind="counter")
    known = range(NOON, NOON + 600, 60)
    made.rows(MINUTE, sent, {start: counter(120.0) for start in known})
    made.mark(MINUTE, known)
    found = find_host(db, "a", NAMES, NOON + 630.0, NOON + 600.0)
    assert found.host.stretch.resolution is HOUR
    assert found.host.rate("sent_total") == 2.0
    (note,) = found.notes
    assert note.endswith("rates are those of the 600 seconds that are known")


def test_a_share_of_nothing_is_not_known() -> None:
    assert share(1.0, 4.0, "swap") == 25
    with pytest.raises(Unknown, match="there is no swap"):
        share(0.0, 0.0, "swap")
