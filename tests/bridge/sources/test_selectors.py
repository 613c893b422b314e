from __future__ import annotations

import pytest

from bridge.sources.selectors import Matcher, Selector, combine, parse


def texts(*selectors: str) -> list[str]:
    return [str(selector) for selector in combine(map(parse, selectors))]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("up", '{__name__="up"}'),
        ('{__name__=~".+"}', '{__name__=~".+"}'),
        ('{__name__!="",job="a"}', '{job="a"}'),
        ('{__name__=~".*",job=~"a|b"}', '{__name__=~".+",job=~"a|b"}'),
        ('up{b!="x",a!~"y.*"}', '{__name__="up",a!~"y.*",b!="x"}'),
        (r'{job="a\\b\"c\n\t"}', r'{job="a\\b\"c\n\t"}'),
        ("{job='single'}", '{job="single"}'),
    ],
)
def test_selectors_are_rendered_the_same_way_however_they_are_written(
    text: str, canonical: str
) -> None:
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sum(up)", "not a PromQL selector but a AggregateExpr"),
        ("up[5m]", "not a PromQL selector but a MatrixSelector"),
        ("up offset 5m", "must not have an offset or @"),
        ("up @ 5", "must not have an offset or @"),
        ('{a="b" or c="d"}', "write one selector for each alternative"),
        ("{", "is not a PromQL selector: unexpected end of input"),
        ('{a=~"("}', "illegal regex"),
    ],
)
def test_what_is_no_selector_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_a_label_that_needs_quotes_gets_them() -> None:
    assert str(Matcher("http.status", "=", "200")) == '"http.status"="200"'


def test_the_selector_of_everything_covers_all_others() -> None:
    assert texts("up", '{__name__=~".+"}', 'ALERTS{alertstate="firing"}') == [
        '{__name__=~".+"}'
    ]


def test_a_wider_selector_covers_a_narrower_one() -> None:
    assert texts('{job="a"}', 'up{job="a",instance="b"}') == ['{job="a"}']


def test_selectors_that_differ_in_the_name_become_one() -> None:
    assert texts("up", "ALERTS", "up", 'x{a="b"}', 'y{a="b"}') == [
        '{__name__=~"ALERTS|up"}',
        '{__name__=~"x|y",a="b"}',
    ]


def test_selectors_that_are_told_apart_by_more_stay_apart() -> None:
    assert texts('{job="a"}', '{job="b"}', "up") == [
        '{job="a"}',
        '{job="b"}',
        '{__name__="up"}',
    ]


def test_narrowing_adds_conditions() -> None:
    narrowed = Selector().narrowed([Matcher("job", "=", "a")])
    assert str(narrowed) == '{job="a"}'
    assert narrowed.name is None
    assert parse("up").name == "up"
