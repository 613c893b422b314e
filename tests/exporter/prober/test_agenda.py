from __future__ import annotations

from exporter.prober.agenda import GRACE, WAITED_OUT, Agenda
from runtime.probing.schedule import Schedule

NOW = 1_790_000_000_000
MINUTE = 60_000


def agenda(now: int = NOW, **intervals: int) -> Agenda:
    made = Agenda()
    made.plan({job: Schedule(interval=ms) for job, ms in intervals.items()}, now)
    return made


def test_runs_before_the_beginning_are_not_made_up() -> None:
    due = agenda(now=NOW + 1, one=MINUTE).look(NOW + 1)
    assert (due.runs, dict(due.left_out)) == ((), {})
    assert due.wake == NOW + 40_000


def test_a_run_is_due_once_and_soon_enough_even_if_looked_at_late() -> None:
    one = agenda(one=10_000)
    assert one.look(NOW + GRACE - 1).runs == (("one", NOW),)
    assert one.look(NOW + GRACE).runs == ()
    late = one.look(NOW + 10_000 + GRACE)
    assert (late.runs, dict(late.left_out)) == ((), {"one": 1})
    assert late.wake == NOW + 20_000


def test_runs_of_a_suspended_host_are_left_out_and_counted() -> None:
    one = agenda(one=10_000, two=7_000)
    one.look(NOW)
    woken = one.look(NOW + 100_500)
    assert ("one", NOW + 100_000) in woken.runs
    assert woken.left_out["one"] == 9
    made = [job for job, _ in woken.runs].count("two")
    missed = Schedule(7000).count(NOW + 1, NOW + 100_501) - made
    assert woken.left_out["two"] == missed


def test_a_clock_that_was_wrong_for_decades_costs_no_decade() -> None:
    one = Agenda()
    one.plan({"one": Schedule(interval=1000)}, 0)
    one.look(0)
    assert one.look(NOW).left_out["one"] == 31 * 86400


def test_time_that_comes_twice_is_waited_out() -> None:
    one = agenda(one=10_000)
    made = [run for at in range(NOW, NOW + 50_001, 500) for run in one.look(at).runs]
    back = NOW + 50_000 - WAITED_OUT + 20_000
    made += [run for at in range(back, NOW + 60_001, 500) for run in one.look(at).runs]
    assert made == [("one", NOW + n * 10_000) for n in range(7)]


def test_a_clock_that_is_set_back_further_is_followed() -> None:
    one = agenda(one=10_000)
    one.look(NOW)
    back = NOW - 3_600_000
    assert one.look(back + 1).runs == ()
    assert one.look(back + 10_000).runs == (("one", back + 10_000),)


def test_a_clock_that_is_set_ahead_and_back_again_doubles_nothing() -> None:
    one = agenda(one=10_000)
    made = [
        run
        for at in (NOW, NOW + 25_500, NOW + 9_000, NOW + 10_000, NOW + 30_000)
        for run in one.look(at).runs
    ]
    assert made == [("one", NOW), ("one", NOW + 10_000), ("one", NOW + 30_000)]


def test_a_new_plan_makes_no_run_twice() -> None:
    one = agenda(one=10_000)
    one.look(NOW)
    one.plan({"one": Schedule(interval=5_000), "two": Schedule(interval=5_000)}, NOW)
    assert one.look(NOW).runs == (("two", NOW),)
    assert one.look(NOW + 5_000).runs == (("one", NOW + 5_000), ("two", NOW + 5_000))
    one.plan({}, NOW)
    assert one.look(NOW + 10_000).runs == ()


def test_a_plan_that_comes_when_a_run_is_due_loses_none() -> None:
    one = agenda(one=10_000, two=10_000)
    one.look(NOW)
    same, other = Schedule(interval=10_000), Schedule(interval=20_000)
    one.plan({"one": same, "two": other}, NOW + 10_003)
    assert one.look(NOW + 10_004).runs == (("one", NOW + 10_000),)
    one.plan({"one": same}, NOW + 20_003)
    late = one.look(NOW + 40_000 + GRACE // 2)
    assert late.runs == (("one", NOW + 40_000),)
    assert late.left_out == {"one": 2}
    one.plan({"one": same}, NOW + 40_000)
    assert one.look(NOW + 49_999).runs == ()
