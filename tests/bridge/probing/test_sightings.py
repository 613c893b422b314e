from __future__ import annotations

import pytest

from bridge.probing.sightings import Leaf, is_evidence, leaf_of, path_of


@pytest.mark.parametrize(
    ("reason", "marks", "left_alone", "expected"),
    [
        ("", (), False, True),
        ("", ("starved",), True, True),
        ("timeout", (), False, True),
        ("timeout", ("clock_stepped",), False, True),
        ("timeout", ("clock_stepped", "starved"), False, False),
        ("not_reached", ("starved",), False, False),
        ("refused", ("starved",), False, True),
        ("certificate_expired", ("starved",), False, True),
        ("not_resolved", ("starved",), False, True),
        ("wrong_status", ("starved",), False, True),
        ("refused", ("starved",), True, False),
        ("timeout", (), True, False),
        ("aborted", (), False, False),
    ],
)
def test_failures_tell_something_unless_they_are_not_the_destinations(
    reason: str, marks: tuple[str, ...], *, left_alone: bool, expected: bool
) -> None:
    assert is_evidence(reason, marks, left_alone=left_alone) is expected


def test_a_path_is_that_of_a_trace_that_reached_its_destination() -> None:
    hops = [{"addresses": ["b", "a"]}, {"addresses": []}, {"addresses": ["c"]}]

    assert path_of({"hops": hops, "reached": True}) == ("a|b", "*", "c")
    assert path_of({"hops": hops, "reached": False}) == ()
    assert path_of({}) == ()


def test_a_certificate_ends_with_itself_or_with_who_vouches_for_it() -> None:
    tls = {"leaf_not_after": 200.0, "chain_expiry": 100.0}

    assert leaf_of("f", "CN=a", {"tls": tls}) == Leaf("f", "CN=a", 100_000)
    assert leaf_of("f", "", {"leaf_not_after": 200.0}) == Leaf("f", "", 200_000)


def test_a_result_may_have_none() -> None:
    assert leaf_of("", "CN=a", {"leaf_not_after": 1.0}) is None
    assert leaf_of("f", "CN=a", {}) is None
