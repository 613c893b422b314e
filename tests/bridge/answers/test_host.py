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


def test_a_share_of_nothing_is_not_known() -> None:
    assert share(1.0, 4.0, "swap") == 25
    with pytest.raises(Unknown, match="there is no swap"):
        share(0.0, 0.0, "swap")
