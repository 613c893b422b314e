from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.days import local_engine
from tests.bridge.rollup.places import DAY, Places, sparse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    url = f"sqlite:///{tmp_path}/places.db"
    made = Places(tmp_path, url, {"berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo"})
    yield made
    made.db.close()


def test_what_was_done_is_counted_by_calendar(places: Places) -> None:
    places.feed("a_total", sparse(2 * DAY, 7200))
    places.run_to(2 * DAY)
    for calendar in ("berlin", "tokyo"):
        found = [
            places.registry.get_sample_value(
                "epimetheus_windows_finished_total",
                {"source": "list", "resolution": f"day@{calendar}", "state": state},
            )
            for state in ("done", "partial")
        ]
        assert sum(one or 0 for one in found) == len(places.entries(calendar))


def test_an_engine_that_is_stopped_leaves_the_rest_for_the_next_one(
    places: Places,
) -> None:
    places.feed("a_total", sparse(4 * DAY, 7200))
    places.run_to(4 * DAY)
    whole = {name: places.days(name) for name in places.zones}
    places.db.execute_sql("DELETE FROM rollup_local_day")
    places.db.execute_sql("DELETE FROM ledger WHERE resolution LIKE 'day@%'")
    engine = places.new_engine()
    answers = iter([False, True])
    engine._local.work(lambda: next(answers))
    assert sum(len(places.days(name)) for name in places.zones) == 1
    places.new_engine().beat()
    assert {name: places.days(name) for name in places.zones} == whole


@pytest.mark.rule(68)
def test_r68_a_turn_ends_when_it_has_read_so_many_rows(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.feed("a_total", sparse(3 * DAY, 7200))
    places.run_to(3 * DAY)
    whole = {name: places.days(name) for name in places.zones}
    places.db.execute_sql("DELETE FROM rollup_local_day")
    places.db.execute_sql("DELETE FROM ledger WHERE resolution LIKE 'day@%'")
    monkeypatch.setattr(local_engine, "ROWS", 30)
    engine = places.new_engine()
    done = []
    for _ in range(4):
        engine._local.work(lambda: False)
        done.append(sum(len(places.days(name)) for name in places.zones))
    assert done[:2] == [2, 4]
    assert {name: places.days(name) for name in places.zones} == whole
