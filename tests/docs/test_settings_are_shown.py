"""Every setting has a test that shows its effect, marked with the setting's name."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]


def marked(source: str) -> Iterator[str]:
    """Yield patterns of the settings that a test file names in its markers.

    An f-string, as in a table of tests, stands for every one-word value.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setting", value=ast.Attribute(attr="mark")),
                args=[ast.Constant(value=str(name))],
            ):
                yield re.escape(name)
            case ast.Call(
                func=ast.Attribute(attr="setting", value=ast.Attribute(attr="mark")),
                args=[ast.JoinedStr(values=parts)],
            ):
                yield "".join(
                    re.escape(str(part.value))
                    if isinstance(part, ast.Constant)
                    else r"\w+"
                    for part in parts
                )


SHOWN = {
    pattern
    for path in sorted(TESTS.rglob("test_*.py"))
    if path != Path(__file__)
    for pattern in marked(path.read_text(encoding="utf-8"))
}
SETTINGS = [key.topic for key in schema.every_key()]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_test_shows_the_effect_of_every_setting(setting: str) -> None:
    assert any(re.fullmatch(pattern, setting) for pattern in SHOWN)


def test_no_test_shows_a_setting_that_does_not_exist() -> None:
    unknown = [
        pattern
        for pattern in sorted(SHOWN)
        if not any(re.fullmatch(pattern, setting) for setting in SETTINGS)
    ]
    assert unknown == []


def test_markers_are_found_on_tests_and_on_parameters() -> None:
    source = """
import pytest
some = pytest.param(1, marks=pytest.mark.setting("a.b"))
many = [pytest.param(x, marks=pytest.mark.setting(f"a.{x}.b")) for x in "cd"]

@pytest.mark.setting("a.c")
def test_it(): ...
"""
    assert sorted(marked(source)) == [r"a\.\w+\.b", r"a\.b", r"a\.c"]
