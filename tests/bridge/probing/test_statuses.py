from __future__ import annotations

import pytest

from bridge.probing.statuses import Verdict, counts_until, verdict_of
from bridge.probing.stories import View
from bridge.probing.streaks import Status, Streak

MINUTE = 60_000


def view(status: str, last: int = 10, since: int = 5, interval: int = MINUTE) -> View:
    """Return a view; times are minutes."""
    return View(
        Streak(Status(status)),
        0,
        last * MINUTE,
        since * MINUTE if status != "unknown" else None,
        since * MINUTE,
        interval,
    )


def status_of(**views: View) -> str:
    """Return the status by views that are called probe_agent."""
    numbers = {"a": 1, "b": 2}
    by_view = {
        (numbers[name.split("_")[1]], name.split("_")[0]): one
        for name, one in views.items()
    }
    return verdict_of(by_view).status.value


def test_nothing_is_known_of_what_nobody_sees() -> None:
    assert verdict_of({}) == Verdict(Status.UNKNOWN, None, None)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("active", "active", "active"),
        ("active", "unknown", "active"),
        ("active", "degraded", "degraded"),
        ("active", "error", "degraded"),
        ("degraded", "error", "degraded"),
        ("unknown", "error", "degraded"),
        ("error", "error", "error"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_it_is_in_error_only_if_all_who_see_it_say_so(
    one: str, other: str, expected: str
) -> None:
    assert status_of(icmp_a=view(one), icmp_b=view(other)) == expected
    assert status_of(icmp_a=view(other), icmp_b=view(one)) == expected


def test_it_is_as_ill_as_the_worst_of_its_probes() -> None:
    assert status_of(icmp_a=view("active"), http_a=view("error")) == "error"


def test_who_has_fallen_silent_does_not_count() -> None:
    assert status_of(icmp_a=view("error", last=4), icmp_b=view("active")) == "active"
    assert status_of(icmp_a=view("error", last=5), icmp_b=view("active")) == "degraded"


def test_who_looks_seldom_counts_for_longer() -> None:
    seldom = view("error", last=1, interval=3 * MINUTE)

    assert counts_until(seldom) == 10 * MINUTE
    assert status_of(icmp_a=seldom, icmp_b=view("active")) == "degraded"


def test_where_all_are_silent_the_last_word_stands() -> None:
    assert status_of(icmp_a=view("error", last=1)) == "error"


@pytest.mark.parametrize(
    ("status", "other", "since"),
    [("active", "active", 7), ("error", "error", 7), ("degraded", "active", 5)],
)
def test_since_is_when_it_turned_so(status: str, other: str, since: int) -> None:
    views = {(1, "icmp"): view(status), (2, "icmp"): view(other, since=7)}

    assert verdict_of(views).since == since * MINUTE
    assert verdict_of(views).seen == 7 * MINUTE
