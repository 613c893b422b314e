from __future__ import annotations

import numpy as np

from exporter import smokeping
from exporter.prober.board import Board
from exporter.prober.messages import Row
from exporter.prober.view import View
from runtime.probing.wire import Plan
from tests.exporter.exposition import values

PLAN = Plan.model_validate(
    {
        "version": "1",
        "modules": [
            {"name": "urgent", "kind": "icmp", "dscp": 46, "source": "127.0.0.9"}
        ],
        "destinations": [
            {"name": "a", "host": "127.0.0.1"},
            {"name": "b", "host": "b.example.org"},
            {"name": "c", "host": "http://me:s3cret@c.example.org/"},
        ],
    }
)


def _view(*rows: tuple[str, str, str], replies: int = 1) -> View:
    board = Board.create()
    for _ in rows:
        slot = np.array([board.claim()] * replies)
        board.answered(slot, np.full(replies, 60_000), np.full(replies, 63))
    placed = [Row(place, *row, "icmp") for place, row in enumerate(rows)]
    snapshot = board.read()
    board.close()
    addresses = {"c": "192.0.2.3"}
    return View(0, PLAN, (), placed, snapshot, addresses=addresses)


def test_what_several_jobs_send_in_the_same_way_is_added_up() -> None:
    view = _view(("one", "a", "icmp"), ("two", "a", "icmp"), ("two", "a", "urgent"))
    found = values(smokeping.families(view))
    plain = ("127.0.0.1", "127.0.0.1", "", "0")
    urgent = ("127.0.0.1", "127.0.0.1", "127.0.0.9", "184")
    assert found["smokeping_requests_total"] == {plain: 2, urgent: 1}
    assert found["smokeping_response_ttl"] == {plain: 63, urgent: 63}
    durations = found["smokeping_response_duration_seconds"]
    assert durations[*plain, "_bucket", "5e-05"] == 0
    assert durations[*plain, "_bucket", "0.0001"] == 2
    assert durations[*plain, "_count", ""] == 2
    assert durations[*plain, "_sum", ""] == 120e-6


def test_names_that_never_had_an_address_are_left_out() -> None:
    found = values(smokeping.families(_view(("one", "b", "icmp"))))
    assert found["smokeping_requests_total"] == {}


def test_hosts_are_told_without_passwords() -> None:
    found = values(smokeping.families(_view(("one", "c", "icmp"))))
    ((ip, host, _, _),) = found["smokeping_requests_total"]
    assert (ip, host) == ("192.0.2.3", "http://c.example.org/")


def test_before_anything_was_probed_there_is_nothing() -> None:
    for view in (None, View(0)):
        assert not any(samples for _, samples in smokeping.families(view))
