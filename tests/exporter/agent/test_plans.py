from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from exporter.agent.plans import NoPlan, PlanFile, parse

if TYPE_CHECKING:
    from pathlib import Path

PLAN = json.dumps(
    {
        "version": "7",
        "destinations": [{"name": "gateway", "host": "192.0.2.1"}],
        "jobs": [{"name": "gateways", "destinations": ["gateway"]}],
    }
).encode()


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = PlanFile(tmp_path / "state" / "plan.json", "site-1")
    file.write(PLAN, '"7"', 1000.0)
    stored = file.read()
    assert stored.plan == parse(PLAN)
    assert (stored.etag, stored.confirmed) == ('"7"', 1000.0)
    file.confirm(2000.0)
    assert file.read().confirmed == 2000.0
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["plan.json"]
    assert (tmp_path / "state" / "plan.json").stat().st_mode & 0o777 == 0o600


def test_a_torn_new_file_does_not_touch_the_one_before(tmp_path: Path) -> None:
    file = PlanFile(tmp_path / "plan.json", "site-1")
    file.write(PLAN, '"7"', 1000.0)
    (tmp_path / "plan.new").write_bytes(b"{")
    assert file.read().etag == '"7"'
    file.write(PLAN, '"8"', 1000.0)
    assert file.read().etag == '"8"'


def test_every_torn_or_damaged_file_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    file = PlanFile(path, "site-1")
    with pytest.raises(NoPlan, match="there is none yet"):
        file.read()
    file.write(PLAN, '"7"', 1000.0)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(NoPlan):
            file.read()
    for place in range(whole.index(b"\n") + 1, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(bytes(damaged))
        with pytest.raises(NoPlan, match="checksum"):
            file.read()


def test_the_plan_of_another_agent_is_none_of_ours(tmp_path: Path) -> None:
    PlanFile(tmp_path / "plan.json", "site-1").write(PLAN, '"7"', 1000.0)
    with pytest.raises(NoPlan, match="of agent 'site-1'"):
        PlanFile(tmp_path / "plan.json", "site-2").read()


def test_a_plan_of_another_version_is_not_used(tmp_path: Path) -> None:
    file = PlanFile(tmp_path / "plan.json", "site-1")
    file.write(b'{"version": "7", "future": 1}', '"7"', 1000.0)
    with pytest.raises(NoPlan, match="does not fit this version: future: Extra inputs"):
        file.read()


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(NoPlan, match="is a directory"):
        PlanFile(tmp_path / "plan.json", "site-1").read()
