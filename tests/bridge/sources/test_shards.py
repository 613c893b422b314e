from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.selectors import NAME, Selector, parse
from bridge.sources.shards import Range, Shard, divide, name_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = st.text(max_size=4)
NAMES = st.from_regex(r"[a-z_:][a-z0-9_:]{0,5}", fullmatch=True)
LABELS = st.dictionaries(st.sampled_from(["a", "b", "le"]), TEXT, max_size=3)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    return all(
        re.fullmatch(matcher.value, labels.get(matcher.label, "")) is not None
        for matcher in selector.matchers
    )


def sizes_of(shards: Sequence[Shard]) -> list[int]:
    return sorted(shard.series for shard in shards)


@given(
    sizes=st.dictionaries(NAMES, st.integers(1, 30), max_size=12),
    limit=st.integers(1, 20),
    unknown=NAMES,
)
def test_every_name_known_or_not_is_in_exactly_one_range(
    sizes: dict[str, int], limit: int, unknown: str
) -> None:
    ranges = name_ranges(sizes, limit)
    for name in [*sizes, unknown]:
        inside = [
            one for one in ranges if selects(one.narrow(Selector()), {NAME: name})
        ]
        assert len(inside) == 1
    assert sum(one.series for one in ranges) == sum(sizes.values())


@given(
    sizes=st.dictionaries(NAMES, st.integers(1, 60_000), min_size=1, max_size=12),
    limit=st.sampled_from([100, 5000]),
)
def test_requests_are_at_most_one_per_name_and_one_more_per_limit_of_its_series(
    sizes: dict[str, int], limit: int
) -> None:
    requests = sum(one.requests for one in name_ranges(sizes, limit))
    assert requests <= sum(1 + size // limit for size in sizes.values())


def test_small_names_share_a_request_and_a_big_one_has_its_own() -> None:
    sizes = {"cpu_total": 60, "disk_io": 30, "disk_total": 20, "http_total": 250}
    assert [
        (one.names.low, one.names.high, one.series, one.requests)
        for one in name_ranges(sizes, 100)
    ] == [
        ("\0", "disk_t", 90, 1),
        ("disk_t", "h", 20, 1),
        ("h", None, 250, 3),
    ]


def test_without_known_names_one_request_asks_for_the_selector_itself() -> None:
    (only,) = name_ranges({}, 100)
    assert (only.series, only.requests) == (0, 1)
    assert only.narrow(parse('{job="a"}')) == parse('{job="a"}')


def test_a_border_of_a_label_without_values_below_takes_series_without_it() -> None:
    assert selects(Selector().narrowed([Range("a", "", "m").matcher]), {})
    assert not selects(Selector().narrowed([Range("a", "m").matcher]), {})


@given(
    series=st.lists(LABELS, max_size=40),
    requests=st.integers(1, 8),
    unknown=LABELS,
)
def test_every_series_known_or_not_is_in_exactly_one_shard(
    series: list[dict[str, str]], requests: int, unknown: dict[str, str]
) -> None:
    shards = divide(Selector(), series, requests)
    assert 1 <= len(shards) <= requests
    for labels in [*series, unknown]:
        assert sum(selects(shard.selector, labels) for shard in shards) == 1
    for shard in shards:
        known = sum(selects(shard.selector, labels) for labels in series)
        assert known == shard.series


@given(series=st.lists(LABELS, max_size=20), requests=st.integers(1, 5))
def test_the_same_series_are_divided_the_same_way_in_any_order(
    series: list[dict[str, str]], requests: int
) -> None:
    assert set(divide(Selector(), series, requests)) == set(
        divide(Selector(), series[::-1], requests)
    )


@pytest.mark.parametrize(
    "series",
    [
        pytest.param([{"path": f"/{n}"} for n in range(1000)], id="unique values"),
        pytest.param(
            [{"a": str(n % 10), "b": str(n // 10)} for n in range(1000)], id="a grid"
        ),
        pytest.param(
            [{"job": "big", "id": f"{n:04d}"} for n in range(900)]
            + [{"job": f"small-{n}"} for n in range(100)],
            id="one value that holds nearly all",
        ),
        pytest.param(
            [{f"label_{n % 7}": f"{n}"} for n in range(1000)], id="labels that differ"
        ),
        pytest.param(
            [{"bits": f"{n:010b}".replace("0", "a")} for n in range(1000)],
            id="shared beginnings",
        ),
    ],
)
def test_shards_are_of_like_size_whatever_the_labels(
    series: list[dict[str, str]],
) -> None:
    shards = divide(Selector(), series, 11)
    assert len(shards) == 11
    assert max(sizes_of(shards)) <= 2 * 100


def test_a_label_with_few_values_is_preferred_where_it_balances_as_well() -> None:
    series = [{"zone": f"z{n % 4}", "pod": f"pod-{n}"} for n in range(400)]
    shards = divide(Selector(), series, 4)
    assert sizes_of(shards) == [100, 100, 100, 100]
    labels = {matcher.label for shard in shards for matcher in shard.selector.matchers}
    assert labels == {"zone"}


def test_series_that_nothing_tells_apart_stay_in_one_bigger_shard() -> None:
    assert divide(parse("x"), [{"a": "b"}] * 50, 5) == [Shard(parse("x"), 50)]


def test_values_too_long_for_an_expression_are_not_used_as_borders() -> None:
    shared = "x" * 300
    series = [{"query": f"{shared}{n}", "le": str(n % 2)} for n in range(100)]
    shards = divide(Selector(), series, 4)
    assert sizes_of(shards) == [50, 50]


def test_names_and_labels_that_need_quotes_are_not_divided_by() -> None:
    series = [{NAME: f"n{n}", "a.b": str(n)} for n in range(10)]
    assert divide(Selector(), series, 3) == [Shard(Selector(), 10)]
