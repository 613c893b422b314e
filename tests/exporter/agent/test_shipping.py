from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.agent import shipping
from runtime.probing import wire
from tests.exporter.agent.fake_bridge import FakeBridge, decoded, problem
from tests.exporter.agent.makers import Site, run
from tests.web import Asked, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with FakeBridge() as made:
        yield made


def test_runs_arrive_as_they_were_told(bridge: FakeBridge, tmp_path: Path) -> None:
    site = Site(bridge, tmp_path)
    site.agent.poller.step()
    runs = [run(second) for second in range(3)]
    for each in runs:
        site.prober.tell(each)
    assert site.metric("runs_unsent") == 3
    assert site.agent.shipper.step() == 0.0
    assert site.agent.shipper.step() == shipping.IDLE
    (batch,) = bridge.batches
    assert list(batch.runs) == runs
    assert (batch.agent, batch.plan, batch.dropped) == ("site-1", "1", 0)
    assert batch.version
    assert site.metric("runs_spooled_total") == 3
    assert site.metric("runs_sent_total") == 3
    assert site.metric("runs_unsent") == 0
    assert site.metric("spool_bytes") == 0


@pytest.mark.setting("exporter.prober.batch")
def test_a_batch_has_so_many_runs_at_most(bridge: FakeBridge, tmp_path: Path) -> None:
    site = Site(bridge, tmp_path, batch=2)
    for second in range(5):
        site.agent.take(run(second))
    site.ship_all()
    assert [len(batch.runs) for batch in bridge.batches] == [2, 2, 1]


def test_a_batch_is_bounded_in_bytes(
    bridge: FakeBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "BATCH_BYTES", 1000)
    site = Site(bridge, tmp_path)
    for second in range(10):
        site.agent.take(run(second))
    site.ship_all()
    assert len(bridge.batches) > 3
    assert len(bridge.stored) == 10


@pytest.mark.setting("exporter.prober.spool")
def test_the_oldest_runs_give_way_and_are_counted(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.always = "reset"
    site = Site(bridge, tmp_path, spool="64KiB")
    for second in range(500):
        site.agent.take(run(second))
    dropped = site.metric("runs_dropped_total", "spool_full")
    assert 0 < dropped < 500
    assert site.metric("spool_bytes") <= 2**16
    bridge.always = ""
    site.ship_all()
    assert len(bridge.stored) == 500 - dropped
    assert bridge.batches[0].dropped == dropped
    assert min(bridge.stored)[2] == run(int(dropped)).scheduled_ms


def test_a_batch_that_is_too_large_is_sent_by_halves(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.most = 3
    site = Site(bridge, tmp_path)
    for second in range(20):
        site.agent.take(run(second))
    site.ship_all()
    assert [len(batch.runs) for batch in bridge.batches][:4] == [20, 10, 5, 2]
    assert len(bridge.stored) == 20
    assert site.metric("runs_dropped_total", "too_large") == 0


def test_a_run_that_is_too_large_alone_is_dropped_and_told(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Told | None:
        return problem(413, "too many bytes") if len(asked.body) > 2000 else None

    bridge.answer = answer
    site = Site(bridge, tmp_path)
    noise = random.Random(1).randbytes(3000).hex()
    for second in range(4):
        site.agent.take(run(second, error=noise if second == 2 else ""))
    with capture_logs() as logs:
        site.ship_all()
    assert len(bridge.stored) == 3
    assert site.metric("runs_dropped_total", "too_large") == 1
    (entry,) = logs
    assert entry["job"] == "gateways"
    assert entry["scheduled_ms"] == run(2).scheduled_ms
    assert entry["error"] == "status 413: too many bytes"


@pytest.mark.parametrize("status", [400, 422])
def test_a_run_that_spoils_its_batch_is_found_and_dropped(
    bridge: FakeBridge, tmp_path: Path, status: int
) -> None:
    bad = run(5).scheduled_ms

    def answer(asked: Asked) -> Told | None:
        runs = decoded(asked.body).runs
        spoilt = any(each.scheduled_ms == bad for each in runs)
        return problem(status, "no such run") if spoilt else None

    bridge.answer = answer
    site = Site(bridge, tmp_path)
    for second in range(16):
        site.agent.take(run(second))
    with capture_logs() as logs:
        site.ship_all()
    assert len(bridge.stored) == 15
    assert site.metric("runs_dropped_total", "refused") == 1
    assert [entry["scheduled_ms"] for entry in logs] == [bad]


def test_a_bridge_that_refuses_everything_is_not_asked_without_end(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.answer = lambda _: problem(422, "no")
    site = Site(bridge, tmp_path, batch=1)
    site.agent.take(run(1))
    site.agent.take(run(2))
    assert site.agent.shipper.step() == shipping.IDLE
    assert site.agent.shipper.step() == shipping.IDLE


def test_runs_that_a_receipt_refuses_are_dropped_and_told(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.refuse = lambda each: "unknown job" if each.job == "gone" else ""
    site = Site(bridge, tmp_path)
    site.agent.take(run(1))
    site.agent.take(run(2, "gone"))
    site.agent.take(run(3))
    with capture_logs() as logs:
        site.ship_all()
    assert len(bridge.stored) == 2
    assert [(entry["job"], entry["error"]) for entry in logs] == [
        ("gone", "unknown job")
    ]
    assert site.metric("runs_dropped_total", "refused") == 1
    assert site.metric("runs_sent_total") == 2


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503])
def test_whatever_else_is_answered_runs_are_kept(
    bridge: FakeBridge, tmp_path: Path, status: int
) -> None:
    site = Site(bridge, tmp_path)
    site.agent.take(run(1))
    bridge.answer = lambda _: problem(status, "no")
    with capture_logs() as logs:
        assert [site.agent.shipper.step() for _ in range(8)] == [
            *(1, 2, 4, 8, 16, 30, 30, 30)
        ]
    assert len(logs) == 1
    assert site.metric("runs_unsent") == 1
    assert site.metric("up") == 0
    bridge.answer = lambda _: None
    site.ship_all()
    assert len(bridge.stored) == 1
    site.agent.poller.step()
    assert site.metric("up") == 1


@pytest.mark.parametrize(
    "receipt",
    [
        {"accepted": 1, "duplicates": 0},
        {"accepted": 3, "duplicates": 0},
        {"accepted": 1, "duplicates": 0, "refused": [{"place": 2, "reason": ""}]},
        {"accepted": 1, "duplicates": 0, "refused": [{"place": -1, "reason": ""}]},
    ],
)
def test_a_receipt_of_another_batch_is_none(
    bridge: FakeBridge, tmp_path: Path, receipt: object
) -> None:
    site = Site(bridge, tmp_path)
    site.agent.take(run(1))
    site.agent.take(run(2))
    bridge.answer = lambda _: Told(json.dumps(receipt).encode())
    site.agent.shipper.step()
    assert site.metric("batches_total", "garbage") == 1
    assert site.metric("runs_unsent") == 2
    bridge.answer = lambda _: None
    site.ship_all()
    assert len(bridge.stored) == 2


def test_results_of_tests_go_first(bridge: FakeBridge, tmp_path: Path) -> None:
    site = Site(bridge, tmp_path)
    (found,) = run(1).results
    site.agent.take(run(1))
    site.prober.tell_test(wire.TestResult(id=9, result=found))
    site.ship_all()
    assert [len(batch.tests) for batch in bridge.batches] == [1, 0]
    assert bridge.tests == {9: found}
    assert site.metric("tests_sent_total") == 1


def test_results_of_tests_are_kept_while_the_bridge_is_away_only(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    (found,) = run(1).results
    site.prober.tell_test(wire.TestResult(id=9, result=found))
    bridge.mishaps.append("reset")
    assert site.agent.shipper.step() == 1.0
    bridge.answer = lambda _: problem(422, "no such test")
    site.agent.take(run(1))
    with capture_logs() as logs:
        site.agent.shipper.step()
    assert {"status 422: no such test"} == {
        entry["error"] for entry in logs if entry["log_level"] == "error"
    }
    assert site.metric("runs_dropped_total", "tests") == 1
    bridge.answer = lambda _: None
    site.agent.take(run(2))
    site.ship_all()
    assert bridge.tests == {}
    assert len(bridge.stored) == 1
