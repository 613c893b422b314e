from __future__ import annotations

import threading
from typing import Any

from exporter.collectors.base import Family, Metric
from exporter.live.live import KEPT, Topic, _Beat
from exporter.live.readings import Reading
from tests.exporter.exposition import parse
from tests.exporter.live.test_wire import until
from tests.exporter.live.watching import Counting, events, exporter
from tests.fakes import FakeClock


def test_events_tell_rates_since_the_one_before() -> None:
    with exporter() as one, one.get("/live?interval=1") as response:
        stream = events(response)
        first_id, first = next(stream)
        second_id, second = next(stream)
    rates = [event["rates"]["node_one_total"][0]["value"] for event in (first, second)]
    assert (first["seconds"], rates[0]) == (None, None)
    assert rates[1] == 1 / second["seconds"] or abs(rates[1] - 1) < 1
    assert second["time"] > first["time"]
    began = first_id.partition("-")[0]
    assert (first_id, second_id) == (f"{began}-1", f"{began}-2")


def test_clients_of_an_interval_share_one_measuring() -> None:
    counting = Counting("one")
    with exporter(one=counting) as here:
        responses = [here.get("/live?interval=5") for _ in range(4)]
        firsts = [next(events(response)) for response in responses]
        assert len({number for number, _ in firsts}) == 1
        assert counting.asked == 1
        for response in responses:
            response.close()


def test_a_client_holds_no_thread_of_the_scrapes() -> None:
    with exporter(threads=1, most=6) as here:
        watching = [here.get("/live?interval=5") for _ in range(6)]
        for _ in range(3):
            with here.get("/metrics") as scrape:
                assert scrape.status == 200
                found = parse(scrape.read().decode())
        assert found["epimetheus_exporter_live_clients"].samples == {(): 6}
        for response in watching:
            response.close()


def test_who_comes_back_is_told_what_was_missed() -> None:
    with exporter() as here:
        response = here.get("/live?interval=1")
        last, _ = next(events(response))
        response.close()
        until(lambda: here.live.families()[0].samples[0][1] == 0)
        until(lambda: _newest(here) >= 2)
        with here.get("/live?interval=1", Last_Event_ID=last) as again:
            number, event = next(events(again))
    began, _, _ = last.partition("-")
    assert number == f"{began}-2"
    assert event["rates"]["node_one_total"][0]["value"] is not None


def _newest(here: object) -> int:
    (beat,) = here.live._beats.values()  # type: ignore[attr-defined]
    return int(beat._number)


def test_only_what_is_kept_is_told_again() -> None:
    beat = _Beat(Topic(1, ("one",)), FakeClock(1000.0))
    for second in range(KEPT + 3):
        beat.add(Reading.of(second, second, []))
    ids = [
        [
            line
            for line in beat.after(last).decode().splitlines()
            if line[:1] in {"i", ":"}
        ]
        for last in ("1000000-1", f"1000000-{KEPT + 1}", "999-1", "x", "1000000-x")
    ]
    kept = [f"id: 1000000-{number}" for number in range(4, KEPT + 4)]
    assert ids == [
        [": 2 events are no longer kept", *kept],
        kept[-2:],
        kept[-1:],
        kept[-1:],
        kept[-1:],
    ]


def test_a_client_too_many_is_told_to_come_later() -> None:
    with exporter(most=1) as here:
        watching = here.get("/live")
        refused = here.get("/live")
        assert (refused.status, refused.read()) == (
            503,
            b"1 clients watch already; try again later.\n",
        )
        assert refused.headers["Retry-After"] == "5"
        clients, counted, slow = here.live.families()
        assert [one.samples[0][1] for one in (clients, counted, slow)] == [1, 1, 0]
        watching.close()
        until(lambda: here.live.families()[0].samples[0][1] == 0)
        with here.get("/live") as again:
            assert again.status == 200


def test_stopping_ends_the_streams_in_order() -> None:
    asked = threading.Event()
    with exporter(one=Counting("one", asked.set)) as here:
        response = here.get("/live?interval=5")
        next(events(response))
        here.server.stop()
        here.live.stop()
        assert response.read().endswith(b": the exporter stops\n\n")
        with_beats = [one.name for one in threading.enumerate()]
        assert "live" not in with_beats
        assert "live beat" not in with_beats


def test_measuring_ends_when_nobody_has_watched_for_a_while() -> None:
    counting = Counting("one")
    with exporter(one=counting) as here:
        topic = Topic(5, ("one",))
        beat = _Beat(topic, FakeClock())
        here.live._beats[topic] = beat
        here.live._clock = FakeClock()
        here.live._measure(beat)
        assert counting.asked == 4
        assert here.live._beats == {}


def test_names_that_are_no_utf_8_are_told() -> None:
    metric = Metric("a", "gauge", "A.", ("mountpoint",))
    beat = _Beat(Topic(1, ("one",)), FakeClock(1000.0))
    event = beat.add(Reading.of(0, 0, [Family(metric, [(("/\udcff",), 1)])]))
    assert b'{"mountpoint":"/?"}' in event
    assert beat.after(f"1000000-{'9' * 5000}") == event


def test_who_comes_and_goes_with_other_wishes_leaves_no_threads() -> None:
    names = [f"c{number}" for number in range(12)]
    given: dict[str, Any] = {name: Counting(name) for name in names}
    with exporter(most=2, **given) as here:
        for name in names:
            with here.get(f"/live?interval=5&collect[]={name}") as response:
                next(events(response))
            until(lambda: here.live.families()[0].samples[0][1] == 0)
            assert len(here.live._beats) <= 2
        until(lambda: _beats() <= 2)
    assert _beats() == 0


def _beats() -> int:
    return sum(one.name == "live beat" for one in threading.enumerate())
