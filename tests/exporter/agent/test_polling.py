from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.agent.plans import PlanFile
from tests.exporter.agent.fake_bridge import FakeBridge, problem
from tests.exporter.agent.makers import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DESTINATION = {"name": "gateway", "host": "192.0.2.1"}
JOB = {"name": "gateways", "destinations": ["gateway"]}
PLAN = {"version": "7", "destinations": [DESTINATION], "jobs": [JOB]}
TEST = {
    "id": 1,
    "destination": "gateway",
    "host": "192.0.2.1",
    "probe": {"name": "icmp", "kind": "icmp"},
}


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with FakeBridge() as made:
        made.plan = dict(PLAN)
        yield made


def versions(site: Site) -> list[str]:
    return [plan.version for plan in site.prober.plans]


def test_a_plan_is_handed_on_when_it_changes(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    assert site.agent.poller.step() == 5.0
    site.agent.poller.step()
    bridge.plan["version"] = "8"
    site.agent.poller.step()
    assert versions(site) == ["7", "8"]
    assert site.prober.plans[0].jobs[0].name == "gateways"
    assert site.metric("polls_total", "changed") == 2
    assert site.metric("polls_total", "unchanged") == 1
    assert site.metric("up") == 1


@pytest.mark.setting("exporter.prober.poll")
def test_the_plan_is_asked_for_as_often_as_set(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    assert Site(bridge, tmp_path, poll="42s").agent.poller.step() == 42.0


@pytest.mark.setting("exporter.prober.bridge")
@pytest.mark.setting("exporter.prober.agent")
def test_the_bridge_is_asked_by_the_name_of_the_agent(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    Site(bridge, tmp_path, agent="tower").agent.poller.step()
    assert bridge.web.asked[0].path == "/api/v1/agents/tower/plan"


@pytest.mark.setting("exporter.prober.state")
def test_while_the_bridge_is_away_the_plan_on_disk_is_worked_on(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    before = Site(bridge, tmp_path)
    before.agent.poller.step()
    before.kill()
    bridge.always = "reset"
    before.clock.advance(3600)

    site = Site(bridge, tmp_path, before.clock)
    assert versions(site) == ["7"]
    assert site.metric("plan_age_seconds") == 3600
    site.agent.poller.step()
    assert site.metric("up") == 0

    bridge.always = ""
    site.agent.poller.step()
    assert versions(site) == ["7"]
    assert site.metric("plan_age_seconds") == 0
    assert site.metric("polls_total", "unchanged") == 1


def test_tests_of_the_plan_on_disk_are_done_only_if_still_wanted(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.plan["tests"] = [TEST]
    before = Site(bridge, tmp_path)
    before.agent.poller.step()
    before.kill()
    site = Site(bridge, tmp_path)
    assert [plan.tests for plan in site.prober.plans] == [()]
    site.agent.poller.step()
    assert [test.id for test in site.prober.plans[-1].tests] == [1]


def test_the_age_on_disk_is_since_the_bridge_last_confirmed_it(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    for _ in range(30):
        site.agent.poller.step()
        site.clock.advance(5)
    site.kill()
    # It is noted once a minute.
    assert Site(bridge, tmp_path, site.clock).metric("plan_age_seconds") == 30


def test_a_damaged_plan_on_disk_is_asked_for_anew(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    before = Site(bridge, tmp_path)
    before.agent.poller.step()
    before.kill()
    file = tmp_path / "plan.json"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with capture_logs() as logs:
        site = Site(bridge, tmp_path)
    assert "damaged" in logs[-1]["reason"]
    assert site.prober.plans == []
    with pytest.raises(KeyError):
        site.metric("plan_age_seconds")
    site.agent.poller.step()
    assert versions(site) == ["7"]


def test_a_plan_that_makes_no_sense_changes_nothing(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    site.agent.poller.step()
    bridge.plan = {"version": "8", "future": True}
    with capture_logs() as logs:
        site.agent.poller.step()
        site.agent.poller.step()
    assert versions(site) == ["7"]
    assert site.metric("polls_total", "garbage") == 2
    (entry,) = logs
    assert "does not fit this version: future" in entry["error"]
    bridge.plan = PLAN | {"version": "9"}
    site.agent.poller.step()
    assert versions(site) == ["7", "9"]


def test_a_bridge_that_fails_is_left_alone_for_longer_and_told_once(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    bridge.mishaps.extend(["reset", "garbage"])
    for _ in range(6):
        bridge.mishaps.append("reset")
    with capture_logs() as logs:
        waits = [site.agent.poller.step() for _ in range(9)]
    assert waits == [1, 2, 4, 8, 15, 15, 15, 15, 5]
    assert [(entry["event"], entry.get("outcome")) for entry in logs] == [
        ("the bridge cannot be used", "unreachable"),
        ("the bridge cannot be used", "garbage"),
        ("the bridge cannot be used", "unreachable"),
        ("plan has changed", None),
        ("the bridge can be used again", None),
    ]


def test_retry_after_is_kept_to(bridge: FakeBridge, tmp_path: Path) -> None:
    bridge.answer = lambda _: problem(429, "slow down", {"retry-after": "77"})
    assert Site(bridge, tmp_path).agent.poller.step() == 77.0


@pytest.mark.parametrize(
    ("status", "outcome", "remedy"),
    [
        (401, "unauthorized", "make a key of scope probe"),
        (403, "unauthorized", "exporter.prober.key_file"),
        (404, "not_found", "exporter.prober.bridge"),
        (409, "conflict", "exporter.prober.agent"),
    ],
)
def test_what_is_missing_is_told(
    bridge: FakeBridge, tmp_path: Path, status: int, outcome: str, remedy: str
) -> None:
    bridge.answer = lambda _: problem(status, "no")
    site = Site(bridge, tmp_path)
    with capture_logs() as logs:
        site.agent.poller.step()
        site.agent.poller.step()
    (entry,) = logs
    assert entry["log_level"] == "error"
    assert remedy in entry["remedy"]
    assert site.metric("polls_total", outcome) == 2


def test_a_disk_that_takes_no_plan_is_told_once(
    bridge: FakeBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    site = Site(bridge, tmp_path)
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(PlanFile, "write", fail)
        patched.setattr(PlanFile, "confirm", fail)
        site.agent.poller.step()
        site.clock.advance(100)
        site.agent.poller.step()
    assert versions(site) == ["7"]
    told = [entry for entry in logs if entry["log_level"] == "error"]
    assert [entry["error"] for entry in told] == ["read-only file system"]
