"""API keys are found, noted, revoked and never given twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from models.queries import keys
from models.queries.keys import KeyNameTaken, KeyRow

if TYPE_CHECKING:
    from peewee import Database


def create(db: Database, name: str = "grafana", prefix: str = "ab12") -> KeyRow:
    return keys.create(
        db,
        name=name,
        prefix=prefix,
        digest="d" * 64,
        scopes=("read", "ingest", "read"),
        workspace="team",
        now=1000,
    )


def test_a_key_is_kept_and_found_by_its_prefix(db: Database) -> None:
    made = create(db)
    assert made == KeyRow(
        id=made.id,
        name="grafana",
        prefix="ab12",
        digest="d" * 64,
        scopes=("ingest", "read"),
        workspace="team",
        created_at=1000,
        last_used_at=None,
        revoked_at=None,
    )
    assert keys.find_by_prefix(db, "ab12") == made
    assert keys.find_by_prefix(db, "ab1") is None


def test_keys_are_listed_oldest_first(db: Database) -> None:
    assert keys.list_keys(db) == []
    made = [create(db, "z", "p1"), create(db, "a", "p2")]
    assert keys.list_keys(db) == made


@pytest.mark.parametrize(("name", "prefix"), [("grafana", "other"), ("other", "ab12")])
def test_names_and_prefixes_are_unique_also_of_revoked_keys(
    db: Database, name: str, prefix: str
) -> None:
    made = create(db)
    keys.revoke(db, "grafana", 1500)
    with pytest.raises(KeyNameTaken, match=name), db.atomic():
        create(db, name, prefix)
    assert keys.list_keys(db) == [replace(made, revoked_at=1500)]


def test_a_key_is_revoked_once_and_for_ever(db: Database) -> None:
    made = create(db)
    assert keys.revoke(db, "grafana", 2000)
    assert not keys.revoke(db, "grafana", 3000)
    assert not keys.revoke(db, "unknown", 3000)
    assert keys.find_by_prefix(db, "ab12") == replace(made, revoked_at=2000)


def test_use_is_noted_once_a_minute(db: Database) -> None:
    made = create(db)
    noted = []
    for now in (2000, 2059, 2060, 2100):
        keys.touch(db, made.id, now)
        noted.append(keys.list_keys(db)[0].last_used_at)
    assert noted == [2000, 2000, 2060, 2060]


def test_a_key_without_scopes_has_none(db: Database) -> None:
    made = keys.create(
        db, name="n", prefix="p", digest="d", scopes=(), workspace="", now=1
    )
    assert made.scopes == ()
