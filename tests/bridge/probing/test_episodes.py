from __future__ import annotations

from bridge.probing.episodes import Seen, episodes, seen_of
from bridge.probing.spans import Kind, Span


def seen(agent: str, opened: int, ended: int | None) -> Seen:
    return Seen(agent, Span(Kind.FAILURE, opened, ended), ended, proved=True)


def together(*many: Seen) -> list[str]:
    return ["".join(one.agent for one in episode) for episode in episodes(many)]


def test_failures_that_overlap_are_one_episode() -> None:
    assert together(seen("a", 1, 5), seen("b", 3, 9), seen("c", 8, 12)) == ["abc"]
    assert together(seen("a", 1, 5), seen("b", 6, 9)) == ["a", "b"]
    assert together(seen("a", 1, 5), seen("b", 5, 9)) == ["ab"]


def test_one_that_lasts_takes_in_all_that_follow() -> None:
    assert together(seen("a", 1, None), seen("b", 50, 60), seen("c", 90, 91)) == ["abc"]


def test_their_order_does_not_matter() -> None:
    assert together(seen("b", 3, 9), seen("a", 1, 5)) == ["ab"]


def test_a_failure_ends_where_its_agent_counts_no_more() -> None:
    span = Span(Kind.FAILURE, 1)

    assert seen_of("a", span, 10, 10).ended is None
    assert (seen_of("a", span, 10, 11).ended, seen_of("a", span, 10, 11).proved) == (
        10,
        False,
    )
