from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_what_is_not_released_yet_comes_first() -> None:
    versions = re.findall(r"(?m)^## (.+)$", TEXT)
    assert versions[0] == "[Unreleased]"
    for version in versions[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version)


def test_changes_are_told_by_kind() -> None:
    assert set(re.findall(r"(?m)^### (.+)$", TEXT)) <= KINDS


def test_the_version_is_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    released = re.findall(r"(?m)^## \[(\d+\.\d+\.\d+)\]", TEXT)
    assert released == [] or released[0] == project["project"]["version"]
