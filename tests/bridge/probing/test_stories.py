from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from bridge.probing.sightings import Leaf, Sighting
from bridge.probing.spans import Kind, Span
from bridge.probing.stories import Story, Terms, View
from bridge.probing.streaks import Status
from runtime.probing.jobs import Status as Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = 60_000
TERMS = Terms(Rules(degraded_after=1, error_after=3, active_after=2), 10 * MINUTE)


def good(minute: int, **facts: object) -> Sighting:
    return Sighting(minute * MINUTE, **facts)  # type: ignore[arg-type]


def bad(minute: int, reason: str = "timeout", **facts: object) -> Sighting:
    return Sighting(minute * MINUTE, reason, f"{reason}!", **facts)  # type: ignore[arg-type]


def in_order(results: Sequence[Sighting], terms: Terms = TERMS) -> Story:
    story = Story(View(), (), terms)
    for one in sorted(results, key=lambda each: each.time):
        story.take(one)
    return story


def as_they_come(batches: Sequence[Sequence[Sighting]], terms: Terms) -> Story:
    """Tell a story batch by batch, as it is done with rows."""
    view, spans = View(), list[Span]()
    told: list[Sighting] = []
    story = Story(view, spans, terms)
    for batch in batches:
        told = sorted([*told, *batch], key=lambda each: each.time)
        seen = sorted(batch, key=lambda each: each.time)
        still = [span for span in spans if span.closed is None]
        story = Story(view, copy.deepcopy(still), terms)
        if story.is_late(seen[0]):
            story = Story(view, copy.deepcopy(spans), terms)
            joint = min(story.joint(one.time) for one in seen if story.is_late(one))
            story.go_back(joint)
            seen = [one for one in told if one.time >= joint]
        for one in seen:
            story.take(one)
        known = {(span.kind, span.opened): span for span in spans}
        known = {key: one for key, one in known.items() if key not in story.removed}
        known |= story.changed
        view, spans = story.view, sorted(known.values(), key=lambda one: one.opened)
    return Story(view, spans, terms)


def failures(story: Story) -> list[tuple[int, int | None, str]]:
    return [
        (span.opened // MINUTE, span.closed and span.closed // MINUTE, span.value)
        for span in story.spans
        if span.kind is Kind.FAILURE
    ]


def test_nothing_is_known_before_the_first_result() -> None:
    assert in_order([]).view == View()


def test_a_failure_lasts_from_its_first_result_to_the_success_that_proves_it_over() -> (
    None
):
    story = in_order([good(1), bad(2), bad(3), good(4), bad(5), good(6), good(7)])

    assert failures(story) == [(2, 7, "degraded")]
    assert story.view.streak.status is Status.ACTIVE
    assert story.view.since == 7 * MINUTE
    assert story.spans[0].facts["reasons"] == {"timeout": 3}


def test_three_failures_in_a_row_are_an_error() -> None:
    story = in_order([good(1), bad(2), bad(3), bad(4, "refused")])

    assert failures(story) == [(2, None, "error")]
    assert (story.view.streak.status, story.view.since) == (Status.ERROR, 4 * MINUTE)
    assert story.spans[0].facts["reason"] == "timeout"


def test_what_is_no_evidence_neither_fails_nor_succeeds() -> None:
    story = in_order([good(1), bad(2, evidence=False), bad(3, evidence=False)])

    assert failures(story) == []
    assert story.view.streak.status is Status.ACTIVE
    assert story.view.last == 3 * MINUTE


def test_a_late_failure_does_not_turn_back_what_came_after_it() -> None:
    story = as_they_come([[good(1), good(5), good(6)], [bad(2), bad(3), bad(4)]], TERMS)

    assert story.view.streak.status is Status.ACTIVE
    assert failures(story) == [(2, 6, "error")]


def test_a_hop_that_does_not_answer_is_no_other_route() -> None:
    story = in_order(
        [
            good(1, path=("a", "b", "c")),
            good(2, path=("a", "*", "c")),
            good(3, path=("a", "b", "c")),
            good(4, path=("a", "d", "c")),
        ]
    )

    assert [(span.opened // MINUTE, span.value) for span in story.spans] == [
        (1, "a b c"),
        (4, "a d c"),
    ]


def test_hops_that_answer_later_are_learned() -> None:
    story = in_order([good(1, path=("a", "*")), good(2, path=("*", "b"))])

    assert [span.value for span in story.spans] == ["a *", "a b"]


def test_a_certificate_is_due_before_it_ends_while_its_destination_fails() -> None:
    leaf = Leaf("f" * 64, "CN=a", 20 * MINUTE)
    story = in_order([good(1, leaf=leaf), bad(9)])
    assert not story.spans[0].facts["due"]

    story.take(bad(10))

    assert story.spans[0].facts["due"]


minutes = st.integers(0, 40)
paths = st.sampled_from([(), ("a", "b"), ("a", "*"), ("a", "c"), ("d", "b")])
leaves = st.sampled_from(
    [None, Leaf("one", "CN=a", 30 * MINUTE), Leaf("two", "CN=a", 60 * MINUTE)]
)
sightings = st.builds(
    Sighting,
    time=minutes.map(lambda minute: minute * MINUTE),
    reason=st.sampled_from(["", "", "timeout", "refused"]),
    evidence=st.sampled_from([True, True, True, False]),
    path=paths,
    leaf=leaves,
).filter(lambda one: one.evidence or not one.succeeded)
histories = st.lists(sightings, max_size=30, unique_by=lambda one: one.time)
rules = st.builds(
    Rules,
    degraded_after=st.integers(1, 2),
    error_after=st.integers(2, 4),
    active_after=st.integers(1, 3),
)


@given(histories, st.randoms(use_true_random=False), st.integers(1, 5), rules)
def test_neither_order_nor_batches_matter(
    results: list[Sighting], dice: object, size: int, given_rules: Rules
) -> None:
    terms = Terms(given_rules, 10 * MINUTE)
    shuffled = list(results)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    came = as_they_come(
        [shuffled[at : at + size] for at in range(0, len(shuffled), size)], terms
    )
    told = in_order(results, terms)

    assert came.view == told.view
    assert {(one.kind, one.opened): one for one in came.spans} == {
        (one.kind, one.opened): one for one in told.spans
    }
