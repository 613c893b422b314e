from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import agents
from models.queries.agents import AgentRow

if TYPE_CHECKING:
    from peewee import Database


def test_an_agent_is_noted_when_it_comes_and_told_what_it_said_last(
    db: Database,
) -> None:
    first = agents.see(db, "here", 100, "1.0", "", None)
    assert first == AgentRow(first.id, "here", "1.0", "", 0, 100, 100)
    second = agents.see(db, "here", 200, "", "p1", 7)
    assert second == AgentRow(first.id, "here", "1.0", "p1", 7, 100, 200)
    third = agents.see(db, "here", 150, "1.1", "", None)
    assert third == AgentRow(first.id, "here", "1.1", "p1", 7, 100, 200)
    assert agents.see(db, "here", 150, "", "", 0).dropped == 0
    agents.see(db, "there", 300, "1.0", "", None)
    assert [one.name for one in agents.everyone(db)] == ["here", "there"]
    assert agents.find(db, "there") is not None
    assert agents.find(db, "nowhere") is None
