from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.document import parse
from runtime.problems import SettingsError


def read(text: str) -> tuple[Any, list[str]]:
    problems: list[str] = []
    return parse(text, "config.yaml", problems), problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("null", None),
        ("010", 10),
        ("-1", -1),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-11-21", "2026-11-21"),
        ("0x10", "0x10"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("'1'", "1"),
        ("=", "="),
        ("15s", "15s"),
        ("!!str 5", "5"),
        ("[a, 1, {b: c}]", ["a", 1, {"b": "c"}]),
    ],
)
def test_plain_words_mean_what_they_do_in_yaml_1_2(text: str, value: object) -> None:
    assert read(f"key: {text}\n") == ({"key": value}, [])


def test_an_anchor_stands_for_its_value() -> None:
    assert read("a: &x {b: 1}\nc: *x\n") == ({"a": {"b": 1}, "c": {"b": 1}}, [])


def test_nothing_is_nothing() -> None:
    assert read("# only a comment\n") == (None, [])


def test_everything_that_is_refused_is_noted_and_the_rest_is_read() -> None:
    text = "a: 1\na: 2\nb: [!x 1, 2, !!int z]\n3: c\n? [k]\n: v\nd: &d\n  e: *d\nf: 1\n"
    assert read(text) == (
        {"a": 1, "b": [2], "d": {}, "f": 1},
        [
            "a: is given twice, in lines 1 and 2",
            "b[0]: has the tag !x; leave it out (line 3)",
            "b[2]: does not fit its tag; leave the tag out (line 3)",
            "config.yaml: has a key that is no text; put it in quotes (line 4)",
            "config.yaml: has a key that is no text; put it in quotes (line 5)",
            "d.e: refers to itself (line 7)",
        ],
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: *x", "line 1, column 4: found undefined alias 'x'"),
        ("a: @x", "line 1, column 4: a text that begins with this sign needs quotes"),
        (
            "a:\n  b\nc",
            "line 3, column 2: a key is not followed by a colon and a space",
        ),
        ("a: [b", "line 1, column 4: the bracket that begins here is never closed"),
        ("a: {b: [", "line 1, column 9: a bracket before this is never closed"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert caught.value.problems == (f"config.yaml: {problem}",)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SettingsError):
        read(text)
