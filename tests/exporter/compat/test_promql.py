from __future__ import annotations

import pytest

from exporter.compat.promql import CannotRead, names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('node_load1{instance="$node",job="$job"}', {"node_load1"}),
        ("rate(a[$__rate_interval])", {"a"}),
        ("rate(a[${window}:$__interval] offset $shift)", {"a"}),
        ("rate(a[[[window]]])", {"a"}),
        ("increase(a[${__range_s}s]) / $__range_s", {"a"}),
        ("$fun(rate(a[5m])) by (instance)", {"a"}),
        ("sum by ($by) (a) / on (x) group_left b", {"a", "b"}),
        ("topk($most, a) > $least", {"a"}),
        ('a{x=~"${all:regex}"} or vector(0)', {"a"}),
        ('{__name__=~"a|b_total", x="y"}', {"a", "b_total"}),
        ('{__name__="a"}', {"a"}),
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", {"a_bucket"}),
        ('label_replace(a, "x", "$1", "y", "(.*)")', {"a"}),
        ("sum(rate(a[5m:1m]))", {"a"}),
        ("1 + 1", set()),
    ],
)
def test_names_are_found_whatever_variables_there_are(
    text: str, names: set[str]
) -> None:
    assert names_in(text) == names


def test_variables_with_a_value_may_be_part_of_a_name() -> None:
    assert names_in("node_${kind}_total", {"kind": "intr"}) == {"node_intr_total"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sum(", "."),
        ("$metric", "no name of a metric but"),
        ("rate($metric[5m])", "a variable is part"),
        ("a + node_${kind}_total", "a variable is part"),
        ('{job="x"}', "no name of a metric"),
        ('{__name__=~"node_.+"}', "no name of a metric"),
        ("node_$kind", "a variable is part"),
    ],
)
def test_what_says_no_name_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(CannotRead, match=why):
        names_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "up" + ")" * 5000,
        "(" * 101 + "up" + ")" * 101,
        "-" * 9000 + "up",
        "- " * 4000 + "up",
        "abs(" * 2000 + "up" + ")" * 2000,
        "up+" * 100_000 + "up",
    ],
    ids=["long", "brackets", "signs", "spaces", "functions", "sums"],
)
def test_what_would_exhaust_the_parser_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match=r"too deeply|longer than"):
        names_in(text)


def test_long_sums_are_read() -> None:
    assert names_in("up+" * 300 + "up") == {"up"}
