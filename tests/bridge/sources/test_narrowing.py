from __future__ import annotations

import pytest

from bridge.sources.matching import surely_covers
from bridge.sources.narrowing import matching_stored, narrowed, whole_families
from bridge.sources.selectors import combine, parse


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ('{__name__=~".+"}', "up", True),
        ("up", 'up{job="a"}', True),
        ('{__name__=~"node_.*"}', "node_load1", True),
        ('{__name__=~"node_.*"}', "up", False),
        ('{job="a"}', "up", False),
        ('{job="a"}', 'up{job="b"}', False),
        ('up{job!="a"}', 'up{job="b"}', True),
        ('{__name__=~"node_.*"}', '{__name__=~"node_cpu.*"}', False),
        ('{__name__=~"a.*"}', '{__name__=~"a.*",job=~"x|y"}', True),
    ],
)
def test_what_one_selector_surely_takes_of_another(
    wide: str, narrow: str, *, covers: bool
) -> None:
    assert surely_covers(parse(wide), parse(narrow)) is covers


def test_the_conditions_of_the_settings_stay() -> None:
    settings = [parse('{job="a"}'), parse('{job="a",pod="x"}'), parse("up")]
    found = narrowed(['hits_total{job="a",pod="x"}'], settings, "")
    assert [str(one) for one in combine(found)] == [
        '{__name__="hits_total",job="a",pod="x"}'
    ]


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ("down", "'down' is not covered by the settings, so what it matches would "),
        ('up{replica="r1"}', "names 'replica', which is the replica_label"),
        ("rate(up[1m])", "is not a PromQL selector"),
    ],
)
def test_what_cannot_be_kept_up_to_date_is_refused(match: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        narrowed([match], [parse("up")], "replica")
    assert said in str(caught.value)


@pytest.mark.rule(38)
def test_r38_a_histogram_is_read_with_all_of_its_parts() -> None:
    whole = whole_families(parse('took_seconds_bucket{job="a",le="0.5"}'))
    assert str(whole) == (
        '{__name__=~"took_seconds(_bucket|_sum|_count|_created)?",job="a"}'
    )
    assert whole_families(parse("up")) == parse("up")


def test_stored_series_are_matched_by_what_they_are_made_of() -> None:
    matches = matching_stored(['took_bucket{le="1"}', 'hits_total{pod=~"a|b"}'])
    assert matches("took", {"pod": "c"}, "histogram")
    assert not matches("took", {}, "gauge")
    assert not matches("took_sum", {}, "gauge")
    assert matches("hits_total", {"pod": "a"}, "counter")
    assert not matches("hits_total", {"pod": "c"}, "counter")
    assert not matches("hits", {"pod": "a"}, "counter")
