from __future__ import annotations

from collections import Counter

from exporter.agent.outbox import MOST, Outbox
from runtime.probing import wire


def result(number: int) -> wire.TestResult:
    found = wire.Result(
        destination="", probe="icmp", kind="icmp", began_ms=0, seconds=0.1
    )
    return wire.TestResult(id=number, result=found)


def test_results_are_kept_until_they_are_told() -> None:
    outbox = Outbox(lambda *_: None)
    for number in (1, 2, 3):
        outbox.add(result(number))
    first = outbox.results(2)
    assert [each.id for each in first] == [1, 2]
    outbox.told(first)
    assert [each.id for each in outbox.results(9)] == [3]


def test_it_is_bounded_and_counts_what_it_drops() -> None:
    dropped: Counter[str] = Counter()
    outbox = Outbox(lambda reason, count: dropped.update({reason: count}))
    for number in range(MOST + 2):
        outbox.add(result(number))
    assert [each.id for each in outbox.results(1)] == [2]
    assert len(outbox.results(2 * MOST)) == MOST
    assert dropped == {"tests": 2}
