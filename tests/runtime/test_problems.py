from __future__ import annotations

from typing import Any

import pytest

from runtime.problems import SettingsError, closest, either, join, shown


def test_an_error_holds_its_problems_and_says_them_line_by_line() -> None:
    error = SettingsError(iter(["one", "two"]))
    assert error.problems == ("one", "two")
    assert str(error) == "one\ntwo"


def test_paths_are_joined_with_dots_and_numbers_in_brackets() -> None:
    assert join("", "log") == "log"
    assert join("log", "level") == "log.level"
    assert join(join("sources", 0), "url") == "sources[0].url"


def test_words_become_a_choice() -> None:
    assert either(["a"]) == "a"
    assert either(["a", "b"]) == "a or b"
    assert either(["a", "b", "c"]) == "a, b or c"


def test_a_word_that_is_like_another_was_meant_to_be_it() -> None:
    assert closest("levle", ["level", "format"]) == "level"
    assert closest("colour", ["level", "format"]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "None"),
        (5, "5"),
        ("x", "'x'"),
        ("x" * 100, f"'{'x' * 57}...'"),
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
    ],
)
def test_values_are_shown_as_they_were_written_but_short(value: Any, text: str) -> None:
    assert shown(value) == text
