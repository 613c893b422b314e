from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.hops import Hop, known, route_of

ADDRESSES = st.lists(
    st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]), unique=True),
    max_size=6,
)


def hops_of(ways: list[list[str]]) -> list[Hop]:
    return [Hop(ttl, [0.1], addresses) for ttl, addresses in enumerate(ways, 1)]


@given(ADDRESSES, ADDRESSES)
def test_routes_are_equal_exactly_if_the_addresses_are(
    one: list[list[str]], other: list[list[str]]
) -> None:
    same = [sorted(way) for way in one] == [sorted(way) for way in other]
    assert (route_of(hops_of(one)) == route_of(hops_of(other))) is same


@given(ADDRESSES)
def test_a_route_is_16_digits_or_none(ways: list[list[str]]) -> None:
    assert re.fullmatch("[0-9a-f]{16}" if ways else "", route_of(hops_of(ways)))


def test_a_route_never_changes_its_hash() -> None:
    """Those of stored results are compared with those of new ones."""
    assert route_of(hops_of([["192.0.2.1"], [], ["192.0.2.9"]])) == "3faec894e772dc82"


def test_silent_hops_are_known_only_before_one_that_answers() -> None:
    hops = [
        Hop(1, [0.1, None], ["a"]),
        Hop(2, [None]),
        Hop(3, [0.1], ["c"]),
        Hop(4, [None]),
    ]
    assert [hop.ttl for hop in known(hops)] == [1, 2, 3]
    assert known([Hop(1, [None])]) == []


def test_nothing_is_known_behind_the_end() -> None:
    end = Hop(2, [0.1], ["b"], arrived=True)
    assert known([Hop(1, [None]), end, Hop(3, [0.1], ["b"])])[-1] is end


def test_a_hop_is_told_with_its_reason() -> None:
    assert Hop(1, [0.1, None], ["a"]).document() == {
        "ttl": 1,
        "addresses": ["a"],
        "sent": 2,
        "received": 1,
        "rtts": [0.1, None],
        "reason": "",
    }
    assert Hop(1, [None]).document()["reason"] == "timeout"
    refused = Hop(1, [0.1], ["a"], error="Packet filtered").document()
    assert (refused["reason"], refused["error"]) == ("unreachable", "Packet filtered")
