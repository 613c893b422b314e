"""Every setting has a test that shows its effect, marked with the setting's name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from runtime import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]


def marked(source: str) -> Iterator[str]:
    """Yield the settings that a test file names in `pytest.mark.setting`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="setting", value=ast.Attribute(attr="mark")),
                args=[ast.Constant(value=str(name))],
            ):
                yield name


SHOWN = {
    name
    for path in sorted(TESTS.rglob("test_*.py"))
    for name in marked(path.read_text(encoding="utf-8"))
}
SETTINGS = [key.topic for key in schema.every_key()]


def test_every_setting_has_a_test_that_shows_its_effect() -> None:
    assert [name for name in SETTINGS if name not in SHOWN] == []


def test_no_test_shows_a_setting_that_does_not_exist() -> None:
    assert sorted(SHOWN - set(SETTINGS)) == []


def test_markers_are_found_on_tests_and_on_parameters() -> None:
    source = """
import pytest
some = pytest.param(1, marks=pytest.mark.setting("some.setting"))

@pytest.mark.setting("some.setting")
def test_it(): ...
"""
    assert list(marked(source)) == ["some.setting", "some.setting"]
