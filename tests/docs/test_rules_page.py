from __future__ import annotations

from pathlib import Path

import pytest

from scripts.rules_page import Proof, Rule, find_tests, read_rules, render

ROOT = Path(__file__).parents[2]
RULES = """\
First things:
  1: One holds.
  2:
    text: Two holds.
    open: on Sundays
Last things:
  3:
    text: Three holds.
    open: all of it
  4:
    text: Four holds.
    against: 0007-not-four.md
"""
TESTS = """\
import pytest

@pytest.mark.rule(2)
@pytest.mark.rule(1)
@pytest.mark.parametrize("x", [1])
def test_both_hold(x):
    assert x

class TestMore:
    @pytest.mark.rule(2)
    def test_two_holds(self):
        assert True

def test_nothing_is_marked():
    assert True
"""
PAGE = """\
# Rules

What rollups and events must obey, and the tests that show it. Of 4 rules,
1 are shown, 1 in part, 1 decided against, and 1 not yet.

## First things

| rule | what must hold | status | shown by |
|---|---|---|---|
| R1 | One holds. | shown | [test_both_hold](../tests/a/test_a.py) |
| R2 | Two holds. | in part; open: on Sundays | [test_both_hold](../tests/a/test_a.py)\
<br>[TestMore::test_two_holds](../tests/a/test_a.py) |

## Last things

| rule | what must hold | status | shown by |
|---|---|---|---|
| R3 | Three holds. | not yet |  |
| R4 | Four holds. | decided against: [0007](decisions/0007-not-four.md) |  |
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/rules.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "tests/a").mkdir(parents=True)
    (tmp_path / "tests/a/test_a.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "tests/a/builders.py").write_text("not python", encoding="utf-8")
    return tmp_path


def test_the_page_lists_every_rule_with_the_tests_that_show_it(project: Path) -> None:
    assert render(project) == PAGE


def test_a_marker_of_a_rule_that_does_not_exist_is_refused(project: Path) -> None:
    more = TESTS.replace("rule(1)", "rule(9)")
    (project / "tests/a/test_b.py").write_text(more, encoding="utf-8")
    with pytest.raises(ValueError, match=r"not in rules\.yaml: \[9\]$"):
        render(project)


def test_rules_are_read_in_order_with_what_is_open() -> None:
    assert read_rules(RULES) == [
        Rule(1, "First things", "One holds."),
        Rule(2, "First things", "Two holds.", "on Sundays"),
        Rule(3, "Last things", "Three holds.", "all of it"),
        Rule(4, "Last things", "Four holds.", against="0007-not-four.md"),
    ]


def test_the_projects_rules_are_numbered_1_to_85_and_are_sentences() -> None:
    rules = read_rules((ROOT / "docs/rules.yaml").read_text(encoding="utf-8"))
    assert [rule.number for rule in rules] == list(range(1, 86))
    assert all(rule.text[0].isupper() and rule.text.endswith(".") for rule in rules)


def test_the_projects_own_tests_are_found() -> None:
    telescoping = Proof(
        "tests/bridge/rollup/test_vectors.py",
        "test_r22_increase_telescopes_as_prometheus_anchored_increase_does",
    )
    assert telescoping in find_tests(ROOT)[22]
    assert "| R22 |" in render()
