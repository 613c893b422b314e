from __future__ import annotations

import threading
from typing import Never

import pytest

from exporter.lanes import Lanes
from runtime.clock import SystemClock

SHORT = 0.25
LONG = 30.0


class Gate:
    """A job that tells that it runs, and blocks until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.runs = 0

    def __call__(self) -> str:
        self.runs += 1
        self.entered.set()
        assert self.opened.wait(LONG)
        return "through"


@pytest.fixture
def lanes() -> Lanes[str, str]:
    return Lanes("test", SystemClock(), patience=0.005)


def test_answers_come_in_the_order_of_the_jobs(lanes: Lanes[str, str]) -> None:
    jobs = {name: name.upper for name in ("b", "a", "c")}
    answers = lanes.run(jobs, LONG)
    assert [(name, answer.value) for name, answer in answers.items()] == [
        ("b", "B"),
        ("a", "A"),
        ("c", "C"),
    ]
    assert not any(answer.is_missing or answer.error for answer in answers.values())


def test_no_jobs_need_no_lane(lanes: Lanes[str, str]) -> None:
    before = threading.active_count()
    assert lanes.run({}, LONG) == {}
    assert threading.active_count() == before


def test_an_error_is_an_answer_and_the_others_go_on(lanes: Lanes[str, str]) -> None:
    error = ValueError("no")

    def fail() -> Never:
        raise error

    answers = lanes.run({"bad": fail, "good": lambda: "yes"}, LONG)
    assert answers["bad"].error is error
    assert not answers["bad"].is_missing
    assert answers["good"].value == "yes"


def test_a_job_that_hangs_is_missing_and_the_others_are_not(
    lanes: Lanes[str, str],
) -> None:
    gate = Gate()
    answers = lanes.run({"hung": gate, "good": lambda: "yes"}, SHORT)
    assert answers["hung"].is_missing
    assert answers["hung"].seconds >= SHORT
    assert answers["good"].value == "yes"
    gate.opened.set()


def test_jobs_that_all_hang_are_all_missing(lanes: Lanes[str, str]) -> None:
    gates = {name: Gate() for name in "abc"}
    answers = lanes.run(gates, SHORT)
    assert all(answers[name].is_missing for name in "abc")
    for gate in gates.values():
        gate.opened.set()


def test_the_rest_goes_on_if_patience_is_longer_than_the_deadline() -> None:
    gate = Gate()
    lanes: Lanes[str, str] = Lanes("test", SystemClock(), patience=LONG)
    answers = lanes.run({"hung": gate, "good": lambda: "yes"}, SHORT)
    assert answers["hung"].is_missing
    assert answers["good"].value == "yes"
    gate.opened.set()


def test_the_jobs_behind_a_slow_one_do_not_wait_for_it(lanes: Lanes[str, str]) -> None:
    gate = Gate()

    def open_the_gate() -> str:
        gate.opened.set()
        return "opened"

    answers = lanes.run({"slow": gate, "next": open_the_gate}, LONG)
    assert answers["slow"].value == "through"
    assert answers["next"].value == "opened"


def test_a_job_that_was_left_behind_is_not_started_again_before_it_came_back(
    lanes: Lanes[str, str],
) -> None:
    gate = Gate()
    for _ in range(3):
        assert lanes.run({"hung": gate}, SHORT)["hung"].is_missing
    assert gate.runs == 1
    gate.opened.set()
    answer = lanes.run({"hung": gate}, SHORT)["hung"]
    while answer.is_missing:
        answer = lanes.run({"hung": gate}, SHORT)["hung"]
    assert answer.value == "through"


def test_a_job_never_runs_twice_at_once(lanes: Lanes[str, str]) -> None:
    at_once: list[int] = []
    running: set[int] = set()

    def job() -> str:
        running.add(threading.get_ident())
        at_once.append(len(running))
        running.discard(threading.get_ident())
        return "done"

    def call() -> None:
        for _ in range(50):
            assert lanes.run({"one": job}, LONG)["one"].value == "done"

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert at_once == [1] * 200


def test_who_comes_while_a_job_runs_waits_for_it(lanes: Lanes[str, str]) -> None:
    gate = Gate()
    answers: list[str | None] = []

    def call() -> None:
        answers.append(lanes.run({"one": gate}, LONG)["one"].value)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    assert gate.entered.wait(LONG)
    assert gate.runs == 1
    gate.opened.set()
    for caller in callers:
        caller.join()
    assert (answers, gate.runs) == (["through", "through"], 2)


def test_one_lane_serves_many_calls(lanes: Lanes[str, str]) -> None:
    def who() -> str:
        return str(threading.get_ident())

    threads = {lanes.run({"who": who}, LONG)["who"].value for _ in range(20)}
    assert len(threads) == 1


def test_lanes_end_when_nothing_was_asked_of_them(
    lanes: Lanes[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.lanes._IDLE_SECONDS", 0.01)
    before = set(threading.enumerate())
    lanes.run({"a": lambda: "a"}, LONG)
    for lane in set(threading.enumerate()) - before:
        lane.join(LONG)
        assert not lane.is_alive()
    assert lanes.run({"a": lambda: "a"}, LONG)["a"].value == "a"
