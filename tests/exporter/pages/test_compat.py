from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Metric
from exporter.compat.known import LISTS
from exporter.pages.compat import FRESH, CompatPage
from exporter.registry import Registry
from tests.exporter.pages.asking import get

if TYPE_CHECKING:
    from tests.fakes import FakeClock

LOAD = Metric("node_load1", "gauge", "Load.")
UP = Metric("node_load5", "gauge", "Load.")


class Load:
    def __init__(self) -> None:
        self.asked = 0

    def collect(self) -> list[Family]:
        self.asked += 1
        return [LOAD.of(1)]


def _page(load: Load, clock: FakeClock) -> CompatPage:
    registry = Registry({"load": load}, deadline=5.0, clock=clock)
    return CompatPage(registry, [lambda: [UP.of(1)]], clock)


def test_people_see_the_lists_without_a_script(clock: FakeClock) -> None:
    got = get(_page(Load(), clock), HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script" not in got.text
    policy = got.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    for number, title in LISTS.items():
        assert f"{title} <small>{number}</small>" in got.text
    assert "<code>node_load1</code>" in got.text
    assert "collector hwmon is off" in got.text


def test_programs_get_json(clock: FakeClock) -> None:
    page = _page(Load(), clock)
    for got in (
        get(page, "format=json"),
        get(page, HTTP_ACCEPT="application/json"),
    ):
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"
        full, *_ = json.loads(got.text)["dashboards"]
        states = {one["name"]: one["state"] for one in full["names"]}
        assert (full["number"], len(states)) == ("1860", 229)
        assert states["node_load1"] == states["node_load5"] == "served"
        assert states["node_load15"] == "silent"


def test_many_requests_measure_once(clock: FakeClock) -> None:
    load = Load()
    page = _page(load, clock)
    for _ in range(3):
        get(page)
    assert load.asked == 1
    clock.advance(FRESH)
    get(page)
    assert load.asked == 2
