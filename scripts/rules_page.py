"""Makes docs/rules.md: every rule, and the tests that show it.

The rules stand in docs/rules.yaml; a test shows one by the marker `rule(number)`, which
is read from the source, so that no test has to be imported.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROOT: Final = Path(__file__).parent.parent
_HEAD: Final = """\
# Rules

What rollups and events must obey, and the tests that show it. Of {rules} rules,
{shown} are shown, {part} in part, {against} decided against, and {missing} not yet.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `open` says what of it no test shows, if tests show the rest.

    `against` is the decision record of a rule that was decided against.
    """

    number: int
    group: str
    text: str
    open: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that shows a rule; `path` is relative to the root of the project."""

    path: str
    name: str


def read_rules(text: str) -> list[Rule]:
    """Return the rules of a rules.yaml in its order."""
    groups: dict[str, dict[int, str | dict[str, str]]] = yaml.safe_load(text)
    return [
        Rule(number, group, **(said if isinstance(said, dict) else {"text": said}))
        for group, rules in groups.items()
        for number, said in rules.items()
    ]


def find_tests(root: Path) -> dict[int, list[Proof]]:
    """Return the tests below `root`/tests by the numbers of the rules they show."""
    found: dict[int, list[Proof]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, number in _marked(tree.body, ""):
            proof = Proof(path.relative_to(root).as_posix(), name)
            found[number].append(proof)
    return dict(found)


def render(root: Path = _ROOT) -> str:
    """Return the page as Markdown; raises ValueError for markers of unknown rules."""
    rules = read_rules((root / "docs/rules.yaml").read_text(encoding="utf-8"))
    tests = find_tests(root)
    unknown = sorted(set(tests) - {rule.number for rule in rules})
    if unknown:
        raise ValueError(f"tests show rules that are not in rules.yaml: {unknown}")
    part = sum(bool(rule.open) and rule.number in tests for rule in rules)
    head = _HEAD.format(
        rules=len(rules),
        shown=len(tests) - part,
        part=part,
        against=sum(bool(rule.against) for rule in rules),
        missing=sum(not rule.against and rule.number not in tests for rule in rules),
    )
    return "\n".join([head.rstrip(), *_tables(rules, tests), ""])


def _tables(rules: list[Rule], tests: Mapping[int, list[Proof]]) -> Iterator[str]:
    group = ""
    for rule in rules:
        if rule.group != group:
            group = rule.group
            yield f"\n## {group}\n\n| rule | what must hold | status | shown by |"
            yield "|---|---|---|---|"
        yield _row(rule, tests.get(rule.number, []))


def _row(rule: Rule, tests: list[Proof]) -> str:
    status = "shown" if tests else "not yet"
    if rule.against:
        status = f"decided against: [{rule.against[:4]}](decisions/{rule.against})"
    elif tests and rule.open:
        status = f"in part; open: {rule.open}"
    shown = "<br>".join(f"[{test.name}](../{test.path})" for test in tests)
    return f"| R{rule.number} | {rule.text} | {status} | {shown} |"


def _marked(body: list[ast.stmt], within: str) -> Iterator[tuple[str, int]]:
    """Yield the names of tests with each rule they show, in the order of the source."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _marked(node.body, f"{within}{node.name}::")
        elif isinstance(node, ast.FunctionDef):
            numbers = {n for mark in node.decorator_list for n in _numbers(mark)}
            yield from ((f"{within}{node.name}", number) for number in sorted(numbers))


def _numbers(mark: ast.expr) -> Iterator[int]:
    """Yield the numbers in a decorator `pytest.mark.rule(...)`."""
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.rule":
        for argument in mark.args:
            number: Any = ast.literal_eval(argument)
            yield int(number)
