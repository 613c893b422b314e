from __future__ import annotations

from pathlib import Path

import pytest

from exporter.compat.files import NotReadable, read_file
from tests.grafana.expressions import (
    DASHBOARDS,
    RULES,
    STAND_INS,
    of_dashboard,
    of_rules,
    use_of,
)

MADE = Path(__file__).with_name("dashboard.json")


def test_expressions_are_found_wherever_they_are() -> None:
    asked = read_file(MADE)
    assert asked.title == "Made for the test"
    assert asked.names == {
        "node_boot_time_seconds": "Reboots",
        "node_uname_info": "variable job",
        "node_time_seconds": "variable node",
        "node_load5": "variable result",
        "node_intr_total": "Inside",
        "mysql_up": "Foreign",
        "up": "Foreign",
        "node_slabinfo_objects": "Off",
        "node_load1": "Old panel",
    }
    ((where, text, why),) = asked.unread
    assert (where, text) == ("Broken", "sum(node_load1")
    assert why


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_our_dashboards_are_understood(path: Path) -> None:
    asked = read_file(path)
    used = {
        name
        for each in of_dashboard(path)
        for name in use_of(each.fill(STAND_INS)).matched
    }
    assert used <= asked.names.keys()
    assert asked.unread == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_our_rules_are_understood(path: Path) -> None:
    asked = read_file(path)
    rules = list(of_rules(path))
    used = {name for each in rules for name in use_of(each.text).matched}
    assert asked.names.keys() == used
    assert asked.recorded == {each.recorded for each in rules} - {""}
    assert asked.unread == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("- a", "nothing in it asks for a metric"),
        ("a: {expr: ''}", "nothing in it asks for a metric"),
        ('{"panels":[' * 5000, "nested too deeply"),
        ("\udcff", "can't decode"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(NotReadable, match=why):
        read_file(path)
    with pytest.raises(NotReadable, match="No such file"):
        read_file(tmp_path / "none")


def test_aliases_are_looked_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [{expr: up}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    file = tmp_path / "rules.yml"
    file.write_text("\n".join(lines))
    assert set(read_file(file).names) == {"up"}


def test_tags_of_yaml_make_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text('groups: [{rules: [{expr: up, for: !!int ""}]}]')
    assert set(read_file(file).names) == {"up"}


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(NotReadable, match="larger than 64 MiB"):
        read_file(Path("/dev/zero"))
