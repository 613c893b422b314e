from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.answers.errors import QuestionError
from bridge.answers.selectors import parse

SERIES = {
    "plain": ("up", {}),
    "web": ("up", {"job": "web", "instance": "web-1:80"}),
    "node": ("up", {"job": "node", "instance": "web-1:9100"}),
    "load": ("node_load1", {"job": "node"}),
    "rule": ("job:errors:rate5m", {"code": "500"}),
    "odd": ("up", {"job": 'a"b\\c\nd'}),
    "lines": ("up", {"job": "web\nnode"}),
}

SELECTED = {
    "up": {"plain", "web", "node", "odd", "lines"},
    "node_load1": {"load"},
    "job:errors:rate5m": {"rule"},
    '{__name__="node_load1"}': {"load"},
    '{"node_load1"}': {"load"},
    '{__name__=~"node_.+|job:.*"}': {"load", "rule"},
    '{__name__=~"node"}': set(),
    'up{job="web"}': {"web"},
    'up{job!="web"}': {"plain", "node", "odd", "lines"},
    'up{job=""}': {"plain"},
    'up{job!=""}': {"web", "node", "odd", "lines"},
    'up{job=~"w|web"}': {"web"},
    'up{job=~"we"}': set(),
    'up{job=~"w.*"}': {"web", "lines"},
    'up{job!~"w.*"}': {"plain", "node", "odd"},
    'up{job=~".*"}': {"plain", "web", "node", "odd", "lines"},
    'up{job=~".+"}': {"web", "node", "odd", "lines"},
    'up{job=~""}': {"plain"},
    'up{job!~".+"}': {"plain"},
    'up{job=~"(?i)WEB"}': {"web"},
    'up{job=~"|web"}': {"plain", "web"},
    'up{job="a\\"b\\\\c\\nd"}': {"odd"},
    "up{job='web'}": {"web"},
    "up{instance=~`web-\\d:\\d+`}": {"web", "node"},
    'up{instance=~"web-\\\\d:\\\\d+"}': {"web", "node"},
    '{job="node"}': {"node", "load"},
    '{job="node", __name__!="up"}': {"load"},
    '{code=~"5..",job=""}': {"rule"},
    'up{job="web", job=~"w.*"}': {"web"},
    'up{job="web", job="node"}': set(),
    "  up  # all of them": {"plain", "web", "node", "odd", "lines"},
    '{__name__=~".+"}': set(SERIES),
    'up{and = "",offset="",job="web"}': {"web"},
}

REFUSED = {
    "up[5m]": "'up[5m]' is more than a PromQL selector: a range belongs into start and "
    "end, so leave out `[...]`",
    "up offset 5m": "'up offset 5m' is more than a PromQL selector: a time belongs "
    "into start and end, so leave out `offset`",
    "up @ 1795255200": "'up @ 1795255200' is more than a PromQL selector: a time "
    "belongs into start and end, so leave out `@`",
    "sum(up)": "'sum(up)' is more than a PromQL selector: functions and aggregations "
    "are chosen by the parameter aggregate",
    "rate(up[5m])": "'rate(up[5m])' is more than a PromQL selector: a range belongs "
    "into start and end, so leave out `[...]`",
    "up + 1": "'up + 1' is more than a PromQL selector: operators between selectors "
    "are not supported",
    "up and down": "'up and down' is more than a PromQL selector: operators between "
    "selectors are not supported",
    '{a="1" or b="2"}': '\'{a="1" or b="2"}\' uses `or`; write one selector for each '
    "alternative",
    "1": "'1' is not a PromQL selector but a NumberLiteral; write a name, matchers in "
    "braces, or both",
    "": "'' is not a PromQL selector: no expression found in input",
    "{}": "'{}' is not a PromQL selector: vector selector must contain at least one "
    "non-empty matcher",
    '{job=~".*"}': "'{job=~\".*\"}' is not a PromQL selector: vector selector must "
    "contain at least one non-empty matcher",
    "up{": "'up{' is not a PromQL selector: unexpected end of input inside braces",
    "up{job=web}": "'up{job=web}' is not a PromQL selector: unexpected identifier "
    "'web' in label matching, expected string",
    'up{job="web}': "'up{job=\"web}' has a string without an end",
    'up{job=~"("}': "'up{job=~\"(\"}' is not a PromQL selector: illegal regex for (",
    'up{job=~"(?x)a"}': "'(?x)a' is not an RE2 regular expression: invalid perl "
    "operator: (?x",
    "up,down": "'up,down' is not a PromQL selector: invalid promql query",
    "a" * 8193: "the selector is longer than 8192 characters",
}


def selected(text: str) -> set[str]:
    selector = parse(text)
    return {name for name, series in SERIES.items() if selector.matches(*series)}


@pytest.mark.parametrize("text", SELECTED)
def test_a_selector_selects_what_prometheus_would(text: str) -> None:
    assert selected(text) == SELECTED[text]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_anything_else_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(QuestionError) as caught:
        parse(text)
    assert (caught.value.parameter, str(caught.value)) == ("match", REFUSED[text])


def test_the_only_name_and_the_certain_labels_are_known_beforehand() -> None:
    selector = parse('up{job="web",zone=~"eu.*",rack="",host!="a"}')
    assert (selector.metric, selector.present) == ("up", {"job": "web"})
    several = parse('{__name__=~"up|down",job="web"}')
    assert (several.metric, several.present) == (None, {"job": "web"})
    assert [one.value for one in several.of_name] == ["up|down"]


@example("(" * 8000)
@example("-" * 8000)
@example("up{a=" + '"(' * 2000)
@example("a" + "*a" * 4000)
@example("a" + " or a" * 1500)
@example("a{}" + " or a{}" * 1000)
@example("{" + "a or " * 1500 + "}")
@example("{" + "(" * 7000 + "}")
@example("up" + "[5m:1m]" * 1000)
@example('{a="\n' + "(" * 5000 + '"}')
@example("{a='\\" + "(" * 5000 + "'}")
@example("`" + "(" * 5000 + "`")
@given(st.text("up{}()[]\"'`=~!,\\ \n-+*@:#5m", max_size=60))
def test_no_text_whatever_ends_the_process(text: str) -> None:
    with suppress(QuestionError):
        parse(text)
