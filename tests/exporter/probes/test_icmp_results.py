from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.icmp_results import results_of
from exporter.probes.volleys import Volley, VolleyResult
from runtime.probing.reasons import Reason
from tests.exporter.probes.volleying import address, settings

if TYPE_CHECKING:
    from runtime.probing.wire import Result

UNREACHABLE = "Destination host unreachable"
FRAGMENTS = "Fragmentation needed and DF set"
EXCEEDED = "Time to live exceeded"


def result_of(rtts: list[int], **columns: Any) -> Result:
    """Return the result of the second of two targets."""
    volley = Volley(
        [address("192.0.2.1"), address("192.0.2.2")], settings(count=len(rtts))
    )
    found = VolleyResult.empty(2, len(rtts), 1_700_000_000_000)
    found.sent[:] = len(rtts)
    found.rtts[1] = rtts
    found.seconds = 1.5
    for name, value in columns.items():
        column = getattr(found, name)
        if isinstance(value, dict):
            column.update({(1, key): count for key, count in value.items()})
        else:
            column[1] = value
    first, second = results_of(volley, found, ["one", "two"])
    assert first.reason == Reason.TIMEOUT
    return second


def test_a_success_has_times_in_seconds_and_no_reason() -> None:
    result = result_of([1_000_000, -1, 3_000_000], ttls=57)
    assert (result.destination, result.address) == ("two", "192.0.2.2")
    assert (result.reason, result.message) == ("", "")
    assert result.rtts == (0.001, None, 0.003)
    assert (result.sent, result.received) == (3, 2)
    assert result.facts["jitter"] == pytest.approx(0.002)
    assert result.facts["percentiles"]["50"] == pytest.approx(0.002)
    assert result.facts["ttl"] == 57
    assert (result.began_ms, result.seconds) == (1_700_000_000_000, 1.5)


def test_one_reply_has_neither_jitter_nor_percentiles() -> None:
    assert result_of([1_000_000, -1], ttls=57).facts == {"ttl": 57}


def test_what_came_besides_is_in_the_facts_if_there_was_any() -> None:
    columns = {"duplicates": 1, "late": 2, "corrupt": 3, "wrong_source": 4}
    facts = result_of([5], ttls=1, reordered=5, **columns).facts
    assert facts == {"ttl": 1, "reordered": 5, **columns}


@pytest.mark.parametrize(
    ("columns", "reason", "message"),
    [
        ({}, Reason.TIMEOUT, "no reply within 1s"),
        ({"corrupt": 2}, Reason.PROTOCOL_ERROR, "2 replies were not as sent"),
        (
            {"send_errors": {"ENOBUFS": 2, "EPERM": 1}},
            Reason.SEND_FAILED,
            "this host could not send: ENOBUFS (2 times), EPERM",
        ),
        (
            {"unreachable": {UNREACHABLE: 1}, "send_errors": {"EPERM": 2}},
            Reason.UNREACHABLE,
            UNREACHABLE,
        ),
        (
            {"unreachable": {UNREACHABLE: 1}, "ttl_exceeded": {EXCEEDED: 2}},
            Reason.TTL_EXCEEDED,
            f"{EXCEEDED} (2 times)",
        ),
        (
            {"unreachable": {FRAGMENTS: 1}},
            Reason.TOO_BIG,
            "56 bytes do not fit the way undivided",
        ),
        (
            {"send_errors": {"EMSGSIZE": 1}},
            Reason.TOO_BIG,
            "56 bytes do not fit the way undivided",
        ),
    ],
)
def test_without_a_reply_the_most_telling_reason_is_given(
    columns: dict[str, Any], reason: Reason, message: str
) -> None:
    result = result_of([-1, -1, -1], **columns)
    assert (result.reason, result.message) == (reason, message)


def test_a_target_to_which_nothing_can_be_sent_says_why() -> None:
    volley = Volley([address("192.0.2.1")], settings())
    found = VolleyResult.empty(1, 1, 0)
    found.refused[0] = ProbeFailed(Reason.NO_PERMISSION, "not permitted")
    (result,) = results_of(volley, found, ["one"])
    assert (result.reason, result.message) == (Reason.NO_PERMISSION, "not permitted")
    assert (result.sent, result.rtts) == (0, ())
