from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.probes.base import ProbeFailed, Target
from exporter.probes.trial import Trial, conduct
from runtime.probing.reasons import Reason
from tests.exporter.probes.trying import module, tools

if TYPE_CHECKING:
    from tests.fakes import FakeClock

FAILED = ProbeFailed(Reason.REFUSED, "it was refused")


@pytest.fixture
def trial(clock: FakeClock) -> Trial:
    settings = module("tcp", timeout="100ms")
    return Trial(Target("there", "h:1"), settings, replace(tools(), clock=clock))


def test_phases_add_up(trial: Trial, clock: FakeClock) -> None:
    async def body() -> None:
        for seconds in (1, 2):
            with trial.phase("connect"):
                clock.advance(seconds)
            clock.advance(0.5)
        trial.log.say("done")

    result = asyncio.run(conduct(trial, body))
    assert (result.phases, result.seconds) == ({"connect": 3}, 4)
    assert list(result.log) == [(4, "done")]
    assert (result.began_ms, result.reason) == (1_700_000_000_000, "")


def test_a_second_look_neither_counts_nor_changes_the_failure(
    trial: Trial, clock: FakeClock
) -> None:
    async def fail() -> None:
        raise OSError("another thing")

    async def body() -> None:
        with trial.aside(FAILED), trial.phase("connect"):
            clock.advance(1)
            await fail()
        raise trial.failed or AssertionError

    result = asyncio.run(conduct(trial, body))
    assert (result.reason, result.message) == ("refused", "it was refused")
    assert result.phases == {}
    assert [text for _, text in result.log] == [
        "a second look failed: another thing",
        "failed: it was refused",
    ]


@pytest.mark.parametrize("aside", [False, True])
def test_time_that_runs_out_in_a_second_look_is_not_the_failure(
    *, aside: bool, trial: Trial
) -> None:
    async def body() -> None:
        if aside:
            with trial.aside(FAILED):
                await asyncio.sleep(5)
        with trial.phase("tls"):
            await asyncio.sleep(5)

    result = asyncio.run(conduct(trial, body))
    assert result.reason == ("refused" if aside else "timeout")


def test_a_defect_is_logged_with_where_it_is(trial: Trial) -> None:
    async def body() -> None:
        raise KeyError("x")

    with capture_logs() as logs:
        result = asyncio.run(conduct(trial, body))
    assert result.reason == "internal_error"
    (line,) = logs
    assert (line["event"], line["exc_info"]) == ("probe failed", True)
