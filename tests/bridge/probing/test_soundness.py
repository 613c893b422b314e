from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.probing.soundness import AHEAD, is_name, wrong_result, wrong_run
from tests.bridge.probing.runs import NOON_MS, result, run

NOW = NOON_MS + 60_000
COUNTS = st.integers(-(2**70), 2**70)


def test_what_agents_usually_tell_is_sound() -> None:
    found = result("a", rtts=(0.1, None), phases={"connect": 0.1}, marks=("starved",))
    failed = result("a", reason="certificate_expired", certificate="ab" * 32)
    assert wrong_run(run(found, failed, error="it was late"), NOW) == ""


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 65, "a\n"])
def test_names_are_words(name: str) -> None:
    assert not is_name(name)
    assert wrong_result(result(name), NOW).startswith("destination: ")


@pytest.mark.parametrize("time", [float("inf"), float("nan"), -0.1, 1e12])
@pytest.mark.parametrize("key", ["seconds", "rtts", "phases"])
def test_durations_are_finite_and_not_negative(key: str, time: float) -> None:
    given: dict[str, Any] = {"seconds": time, "rtts": (time,), "phases": {"x": time}}
    told = wrong_result(result("a", **{key: given[key]}), NOW)
    assert told.startswith("seconds, rtts or phases: ")


def test_the_clock_of_an_agent_may_be_ahead_a_little() -> None:
    assert wrong_run(run(scheduled_ms=NOW + AHEAD), NOW) == ""
    told = wrong_run(run(scheduled_ms=NOW + AHEAD + 1), NOW)
    assert told.startswith("scheduled_ms: is 300 s ahead of the bridge; set the clock")


@given(st.builds(dict, failed=COUNTS, ended_ms=COUNTS, skipped=COUNTS))
def test_what_is_sound_fits_into_a_table(numbers: dict[str, int]) -> None:
    told = run(**numbers)
    if not wrong_run(told, NOW):
        assert all(0 <= number < 2**63 for number in numbers.values())
        assert msgspec.json.decode(msgspec.json.encode(told), type=type(told)) == told


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("sent: 2147483647 is out of range", {"sent": 2**31 - 1}),
        ("received: 2 is out of range, 1 were sent", {"received": 2}),
        ("rtts: are 10001, more than", {"rtts": (0.1,) * 10_001}),
        ("phases: there are", {"phases": dict.fromkeys(map(str, range(33)), 1.0)}),
        ("marks: there are more than 16", {"marks": ("starved",) * 17}),
        ("facts.hops: ", {"facts": {"hops": [{"addresses": [1, 2]}]}}),
    ],
)
def test_a_result_is_no_larger_and_no_other_than_readers_take_it(
    why: str, changes: dict[str, Any]
) -> None:
    assert wrong_result(result("a", **changes), NOW).startswith(why)


def test_kinds_that_count_no_requests_have_one_time() -> None:
    assert wrong_result(result("a", sent=0, received=0, rtts=(0.1,)), NOW) == ""
