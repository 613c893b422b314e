from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from exporter.agent.agent import Agent
from runtime.clock import SystemClock
from runtime.prober_settings import Prober as Settings
from tests.exporter.agent.fake_bridge import FakeBridge, Mishap
from tests.exporter.agent.makers import START, FakeProber, Site, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.probing import wire

HOUR = 3600


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with FakeBridge() as made:
        yield made


class Hour:
    """A site that runs jobs each second, each 5 s and each minute, and ships."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.due = 0.0
        self.told: set[tuple[str, str, int]] = set()

    def second(self, second: int) -> None:
        for job, every in (("each-second", 1), ("each-5s", 5), ("each-minute", 60)):
            if second % every == 0:
                self.site.prober.tell(run(second, job))
                self.told.add(("site-1", job, (START + second) * 1000))
        while self.due <= second:
            wait = self.site.agent.shipper.step()
            self.due = max(self.due, float(second)) + wait
            if not wait:
                self.due = float(second)


def test_an_hour_without_the_bridge_costs_nothing(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    hour = Hour(Site(bridge, tmp_path))
    for second in range(HOUR + 300):
        bridge.always = "503" if 60 <= second < 60 + HOUR else ""
        hour.second(second)
        hour.site.clock.advance(1)
    hour.site.ship_all()
    assert set(bridge.stored) == hour.told
    assert max(bridge.received.values()) == 1
    assert len(hour.told) == 3900 + 780 + 65
    assert hour.site.metric("runs_duplicate_total") == 0
    # Half a minute apart, once it was clear that this takes longer.
    assert hour.site.metric("batches_total", "busy") < 130


@pytest.mark.parametrize("seed", range(3))
def test_whatever_goes_wrong_each_run_is_kept_once(
    bridge: FakeBridge, tmp_path: Path, seed: int
) -> None:
    choice = random.Random(seed)
    mishaps: list[Mishap] = ["503", "garbage", "reset", "lost", "short", "", ""]
    site = Site(bridge, tmp_path, batch=50)
    hour = Hour(site)
    for second in range(HOUR):
        if second % 10 == 0:
            bridge.always = choice.choice(mishaps)
        if choice.random() < 0.01:
            site.kill()
            hour.site = site = Site(bridge, tmp_path, site.clock, batch=50)
            hour.due = float(second)
        hour.second(second)
        site.clock.advance(1)
    bridge.always = ""
    site.ship_all()
    assert set(bridge.stored) == hour.told
    assert max(bridge.received.values()) > 1  # receipts that were lost


def test_a_bridge_that_dawdles_holds_up_nobody(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path, timeout=0.3)
    site.agent.take(run(1))
    bridge.mishaps.extend(["slow", "slow"])
    assert site.agent.shipper.step() == 1.0
    assert site.agent.poller.step() == 1.0
    site.ship_all()
    assert len(bridge.stored) == 1


def agent_of(bridge: FakeBridge, state: Path, **more: Any) -> tuple[Agent, FakeProber]:
    document = {"bridge": bridge.url, "state": str(state), "poll": "50ms"} | more
    settings = Settings.model_validate(document)
    prober = FakeProber()
    agent = Agent(settings, prober, SystemClock(), key=None, chance=random.random)
    return agent, prober


def wait_for(condition: Any) -> None:
    pause = threading.Event()
    while not condition():
        pause.wait(0.01)


def test_it_polls_and_ships_in_threads_of_its_own(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    agent, prober = agent_of(bridge, tmp_path)
    agent.start()
    try:
        wait_for(lambda: prober.plans)
        prober.tell(run(1))
        wait_for(lambda: bridge.stored)
        bridge.plan = {"version": "2"}
        wait_for(lambda: len(prober.plans) == 2)
    finally:
        agent.stop()


def test_at_the_end_what_is_unsent_is_sent(bridge: FakeBridge, tmp_path: Path) -> None:
    agent, prober = agent_of(bridge, tmp_path, batch=2)
    agent.start()
    wait_for(lambda: prober.plans)
    for second in range(9):
        prober.tell(run(second))
    agent.stop()
    assert len(bridge.stored) == 9


def test_at_the_end_a_bridge_that_dawdles_is_cut_off(
    bridge: FakeBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.agent.agent._DRAIN", 0.2)
    bridge.always = "slow"
    agent, prober = agent_of(bridge, tmp_path)
    agent.start()
    prober.tell(run(1))
    wait_for(lambda: len(bridge.web.asked) == 2)
    agent.stop()
    assert not any(thread.is_alive() for thread in agent._threads)
    bridge.always = ""
    again, _ = agent_of(bridge, tmp_path)
    again.start()
    wait_for(lambda: bridge.stored)
    again.stop()


def test_what_breaks_is_told_and_does_not_end_the_threads(
    bridge: FakeBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.agent.agent._PAUSE", 0.01)
    agent, prober = agent_of(bridge, tmp_path)
    works = prober.work
    broken: list[wire.Plan] = []

    def work(plan: wire.Plan) -> None:
        broken.append(plan)
        if len(broken) < 3:
            raise RuntimeError("no")
        works(plan)

    monkeypatch.setattr(agent.poller, "_take", work)
    with capture_logs() as logs:
        agent.start()
        wait_for(lambda: prober.plans)
        agent.stop()
    failures = [entry for entry in logs if entry["event"] == "the agent failed"]
    assert len(failures) == 2


def test_what_stays_unsent_for_a_second_is_put_on_the_platter(
    bridge: FakeBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(bridge, tmp_path, batch=1)
    synced: list[float] = []
    monkeypatch.setattr(
        site.agent._backlog, "sync", lambda: synced.append(site.clock.monotonic())
    )
    for second in range(4):
        site.agent.take(run(second))
    assert site.agent.ship_once() == 0.0
    assert synced == []
    site.clock.advance(1)
    assert site.agent.ship_once() == 0.0
    assert synced == [1.0]
    bridge.always = "reset"
    assert site.agent.ship_once() == 1.0
    assert synced == [1.0, 1.0]


def test_until_the_bridge_has_answered_it_is_not_up(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    assert site.metric("up") == 0
    site.agent.poller.step()
    assert site.metric("up") == 1


def test_a_run_that_is_no_json_is_dropped_and_counted(
    bridge: FakeBridge, tmp_path: Path
) -> None:
    site = Site(bridge, tmp_path)
    site.agent.take(run(1, error=object()))
    assert site.metric("runs_dropped_total", "not_writable") == 1
    assert site.metric("runs_spooled_total") == 0


def test_the_age_of_the_oldest_run_is_told(bridge: FakeBridge, tmp_path: Path) -> None:
    site = Site(bridge, tmp_path)
    assert site.metric("oldest_unsent_age_seconds") == 0
    site.agent.take(run(1))
    site.clock.advance(90)
    assert site.metric("oldest_unsent_age_seconds") == 90
    assert site.metric("spool_on_disk") == 1


def test_without_a_bridge_there_is_no_agent() -> None:
    with pytest.raises(ValueError, match=r"exporter\.prober\.bridge is not set"):
        Agent(Settings(), FakeProber(), SystemClock(), key=None, chance=random.random)
