from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.queries import catalogue
from models.queries.catalogue_state import state

if TYPE_CHECKING:
    from models.database import Database

DESTINATION: dict[str, Any] = {
    "host": "x",
    "display_name": "",
    "description": "",
    "enabled": True,
}


def test_after_every_change_it_is_another_one(db: Database) -> None:
    states = [state(db)]

    def differs() -> None:
        states.append(state(db))
        assert len(set(states)) == len(states)

    for name in ("a", "b"):
        document = {"name": name, **DESTINATION}
        catalogue.create(db, "destinations", document, origin="api", now=1)
        differs()
    changed = {"name": "a", **DESTINATION, "host": "y"}
    catalogue.replace(db, "destinations", changed, revision=1, origin="api", now=2)
    differs()
    catalogue.delete(db, "destinations", "b", revision=None, now=3)
    differs()
    module = {"name": "m", "kind": "tcp"}
    catalogue.create(db, "modules", module, origin="api", now=4)
    differs()
    # As many as before, and as many changes: yet they are others.
    catalogue.delete(db, "modules", "m", revision=None, now=5)
    before = states.pop()
    catalogue.create(db, "modules", module, origin="api", now=6)
    assert state(db) != before


def test_without_a_change_it_stays(db: Database) -> None:
    assert state(db) == state(db) == (0,) * 12
