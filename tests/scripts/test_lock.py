from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock import closure, declared, lock

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = (ROOT / "constraints.txt").read_text().splitlines()[1:]


def test_a_lock_holds_sorted_names_and_versions_only() -> None:
    assert lock({"peewee": "4.5.3", "click": "8.5.1"}).splitlines()[1:] == [
        "click==8.5.1",
        "peewee==4.5.3",
    ]


def test_what_is_needed_in_turn_is_locked_too() -> None:
    versions = closure(iter([Requirement("flask>=3")]))
    assert versions.keys() >= {"flask", "werkzeug", "jinja2", "markupsafe"}
    assert "epimetheus" not in versions


def test_extras_bring_what_they_need() -> None:
    assert "psycopg-binary" not in closure(iter([Requirement("psycopg")]))
    assert "psycopg-binary" in closure(iter([Requirement("psycopg[binary]")]))


def test_the_shipped_lock_says_nothing_of_where_it_was_made() -> None:
    for line in LOCKED:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line), line
    names = [line.split("==")[0] for line in LOCKED]
    assert sorted(set(names)) == names


def test_the_shipped_lock_holds_all_that_the_project_declares() -> None:
    pins = dict(line.split("==") for line in LOCKED)
    for requirement in declared(PROJECT):
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
