from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.sources.ranges import SMALLEST, between, separator

TEXT = st.text(
    st.characters(codec="utf-8")
    | st.sampled_from("\0\n\\]^-[.*é\ud7ff\ue000\U0010ffff"),
    max_size=6,
)


@given(low=TEXT, high=st.none() | TEXT, text=TEXT)
@example(low="", high="a", text="")
@example(low="node_", high="node_x", text="node_\n")
@example(low="\ud7ff", high="\ue000a", text="\ue000")
@example(low="\U0010ffff", high=None, text="\U0010ffffx")
@example(low=SMALLEST, high="\0\0", text="\0")
def test_an_expression_matches_exactly_the_texts_of_its_range(
    low: str, high: str | None, text: str
) -> None:
    if high is not None and low >= high:
        with pytest.raises(ValueError, match="nothing is between"):
            between(low, high)
        return
    inside = low <= text and (high is None or text < high)
    assert bool(re.fullmatch(between(low, high), text)) is inside


@given(borders=st.sets(TEXT.filter(bool), max_size=6), text=TEXT)
def test_ranges_between_borders_leave_nothing_out_and_never_overlap(
    borders: set[str], text: str
) -> None:
    edges = ["", *sorted(borders), None]
    matching = [
        (low, high)
        for low, high in pairwise(edges)
        if low is not None and re.fullmatch(between(low, high), text)
    ]
    assert len(matching) == 1


@given(left=TEXT, right=TEXT)
def test_a_separator_divides_two_texts_and_is_as_short_as_can_be(
    left: str, right: str
) -> None:
    if left >= right:
        with pytest.raises(ValueError, match="not below"):
            separator(left, right)
        return
    found = separator(left, right)
    assert left < found <= right
    assert all(right[:length] <= left for length in range(len(found)))


def test_the_range_of_all_names_matches_any_text_but_the_empty_one() -> None:
    assert between(SMALLEST, None) == "(?s:.+)"
    assert between("", None) == "(?s:.*)"


def test_expressions_of_metric_names_are_short() -> None:
    border = separator("node_cpu_seconds_total", "node_disk_io_now")
    assert border == "node_d"
    assert between("node_d", "node_f") == "node_(?:d(?s:.*)|[e-e](?s:.*))"
