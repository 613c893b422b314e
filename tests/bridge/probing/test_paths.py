from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.probing.paths import agree, hops, joined, learned, written

paths = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a b c", "a b c", True),
        ("a * c", "a b c", True),
        ("a b c", "a d c", False),
        ("a b", "a b c", False),
    ],
)
def test_a_hop_that_did_not_answer_may_be_any(
    one: str, other: str, *, expected: bool
) -> None:
    assert agree(hops(one), hops(other)) is expected
    assert agree(hops(other), hops(one)) is expected


@given(paths, paths)
def test_what_is_learned_agrees_with_both_and_knows_all_that_either_does(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    if agree(one, other):
        both = learned(one, other)
        assert agree(both, one)
        assert agree(both, other)
        assert both.count("*") <= min(one.count("*"), other.count("*"))


@given(paths)
def test_a_path_is_a_text_and_back(path: tuple[str, ...]) -> None:
    assert hops(joined(path)) == path


def test_people_read_a_path_from_left_to_right() -> None:
    assert written(("a", "*")) == "a > *"
