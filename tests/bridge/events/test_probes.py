from __future__ import annotations

import json

import pytest

from bridge.events import probes

ABOUT = probes.About("gateway", "gateway.example.org", "icmp")


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (("timeout", ""), "nothing came back in time"),
        (("wrong_status", "the status is 503"), "the status is 503"),
        (("of_tomorrow", "odd"), "odd"),
        (("of_tomorrow", ""), "of_tomorrow"),
    ],
)
def test_a_failure_says_why(first: tuple[str, str], why: str) -> None:
    event = probes.failed_event(ABOUT, (1, None), {first[0]: 1}, first, ["one", "two"])

    assert event.message == (
        f"icmp of gateway is failing, once so far, as seen by one, two: {why}."
    )
    assert (event.source, event.type, event.time) == ("probes", first[0], 1)


def test_a_failure_is_the_same_event_whatever_else_is_seen_of_it() -> None:
    first = ("timeout", "")
    one = probes.failed_event(ABOUT, (1, None), {"timeout": 1}, first, ["one"])
    more = {"refused": 2, "timeout": 1}
    other = probes.failed_event(ABOUT, (1, 9), more, first, ["one", "two"])

    assert (one.fingerprint, one.time) == (other.fingerprint, other.time)
    assert other.message.startswith("icmp of gateway failed 3 times within 8ms, as")
    assert one.fingerprint == probes.prints(probes.FAILED, ABOUT)
    assert other.occurrences == 3


def test_routes_are_alike_by_who_sees_them() -> None:
    one = probes.route_event(ABOUT, 1, "here", "a > b", "a > c", known=False)
    back = probes.route_event(ABOUT, 2, "here", "a > c", "a > b", known=True)
    other = probes.route_event(ABOUT, 1, "there", "a > b", "a > c", known=False)

    assert one.fingerprint == back.fingerprint != other.fingerprint


def test_a_certificate_is_told_of_once_whichever_probe_sees_it() -> None:
    leaf = ("f" * 64, "")
    event = probes.certificate_expiring_event(ABOUT, 1, leaf, 1_795_262_400_000, None)
    web = probes.About("gateway", "gateway.example.org", "http")

    assert event.message == (
        "The certificate of gateway (ffffffffffffffff) ends on 2026-11-21 12:00 UTC."
    )
    again = probes.certificate_expiring_event(web, 1, leaf, 1_795_262_400_000, 5)
    assert again.fingerprint == event.fingerprint
    assert json.loads(again.metadata)["closed"] == 5


def test_what_was_worse_is_told_in_figures() -> None:
    facts = {
        "rtt": 0.1,
        "usual_rtt": 0.01,
        "loss": 0.2,
        "usual_loss": 0.0,
        "slow": True,
        "lossy": True,
    }
    event = probes.slower_event(ABOUT, (1, None), "here", facts, 3)

    assert event.message.endswith(
        "100.0 ms instead of 10.0 ms and 20.0% lost instead of 0.0%."
    )
    assert event.occurrences == 3
    assert event.message.startswith("icmp of gateway, as seen by here, is worse than")


def test_slower_hours_may_be_of_nobody_who_is_known() -> None:
    facts = {"rtt": 0.1, "usual_rtt": 0.01, "slow": True}
    event = probes.slower_event(ABOUT, (1, None), "", facts, 1)

    assert event.message == (
        "icmp of gateway is worse than usual in this hour of the week: 100.0 ms "
        "instead of 10.0 ms."
    )
