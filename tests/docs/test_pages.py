from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.docs import PAGES, ROOT, Page, diff, main, stale
from scripts.pages import api

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_generated_page_is_current(page: Page) -> None:
    """`make docs` writes what is stale."""
    differences = [diff(path, text) for path, text in stale(ROOT, [page]).items()]
    assert differences == []


def test_a_parameter_with_one_allowed_word_shows_it() -> None:
    assert "| `group` | query | `fingerprint` |  |" in api.reference()


PAGE = Page("page.md", {"one": lambda: "first", "two": lambda: "second"})
BETWEEN = """\
# By people

<!-- generated: one -->
<!-- end -->
kept
<!-- generated: two -->
old | \\g<1>
<!-- end -->
"""
FILLED = """\
# By people

<!-- generated: one -->

first

<!-- end -->
kept
<!-- generated: two -->

second

<!-- end -->
"""


def test_sections_are_replaced_and_the_rest_is_kept() -> None:
    assert PAGE.text(BETWEEN) == FILLED
    assert PAGE.text(FILLED) == FILLED


def test_a_page_without_a_place_for_a_section_is_refused() -> None:
    with pytest.raises(ValueError, match=r"page.md: has no lines <!-- generated: one"):
        PAGE.text("# By people\n")


def test_a_whole_file_is_generated_as_it_is() -> None:
    assert Page("x.yaml", {"": lambda: "all: new\n"}).text("old") == "all: new\n"


def test_stale_pages_are_found_with_their_difference(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(FILLED.replace("second", "other"))
    new = Page("new.yaml", {"": lambda: "a: 1\n"})
    found = stale(tmp_path, [PAGE, new])
    assert found == {tmp_path / "page.md": FILLED, tmp_path / "new.yaml": "a: 1\n"}
    difference = diff(tmp_path / "page.md", FILLED)
    assert "-other\n+second\n" in difference
    (tmp_path / "page.md").write_text(FILLED)
    assert stale(tmp_path, [PAGE]) == {}


def test_a_check_fails_on_a_stale_page_and_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "page.md"
    page.write_text(BETWEEN)
    monkeypatch.setattr("scripts.docs.ROOT", tmp_path)
    monkeypatch.setattr("scripts.docs.PAGES", (PAGE,))
    assert main(["--check"]) == 1
    assert page.read_text() == BETWEEN
    assert "page.md is stale: make docs" in capsys.readouterr().err
    assert main([]) == 0
    assert page.read_text() == FILLED
    assert capsys.readouterr().out == "wrote page.md\n"
    assert main(["--check"]) == 0
