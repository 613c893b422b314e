from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

import pytest

from bridge.auth import (
    ANYBODY,
    OPEN,
    Caller,
    ForbiddenError,
    KeyNameTaken,
    Keys,
    Scope,
    UnauthenticatedError,
    authorize,
    declared,
    key_in,
    needs,
    open_to_all,
    read_scopes,
)
from models.database import open_database
from models.queries import keys as queries

if TYPE_CHECKING:
    from models.database import Database
    from tests.fakes import FakeClock

NOW = 1_700_000_000


@pytest.fixture
def keys(db: Database, clock: FakeClock) -> Keys:
    return Keys(db, clock)


def zeros(size: int) -> bytes:
    return bytes(size)


def create(keys: Keys, name: str = "grafana", workspace: str = "") -> str:
    return keys.create(name, [Scope.READ], workspace, secrets.token_bytes)


def test_a_key_is_its_prefix_and_256_random_bits(keys: Keys) -> None:
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return zeros(size)

    key = keys.create("grafana", [Scope.READ], "", random)
    assert key == f"epk_{'a' * 10}_{'a' * 52}"
    assert drawn == [6, 32]


def test_only_prefix_and_hmac_are_kept(db: Database, keys: Keys) -> None:
    key = create(keys)
    _, prefix, secret = key.split("_")
    (row,) = queries.list_keys(db)
    digest = hmac.new(prefix.encode(), secret.encode(), hashlib.sha256).hexdigest()
    assert (row.prefix, row.digest) == (prefix, digest)
    dump = "".join(str(line) for line in db.execute_sql("SELECT * FROM api_keys"))
    assert secret not in dump


def test_a_key_is_its_caller(keys: Keys) -> None:
    key = keys.create("ci", [Scope.INGEST, Scope.READ], "team", secrets.token_bytes)
    scopes = frozenset({Scope.READ, Scope.INGEST})
    assert keys.authenticate(key) == Caller("ci", scopes, "team")
    everything = create(keys, "all")
    assert keys.authenticate(everything).workspace is None


@pytest.mark.parametrize("key", [f"epk_{'a' * 10}_{'a' * 52}", "epk_", "x", ""])
def test_a_made_up_key_is_not_known(keys: Keys, key: str) -> None:
    create(keys)
    with pytest.raises(UnauthenticatedError, match="the key is not known here"):
        keys.authenticate(key)


def test_anything_but_the_whole_key_is_not_known(keys: Keys) -> None:
    key = create(keys)
    last = "b" if key.endswith("a") else "a"
    for wrong in (key[:-1] + last, key[:-1], key + "a", key.upper(), f" {key}"):
        with pytest.raises(UnauthenticatedError, match="the key is not known here"):
            keys.authenticate(wrong)
    assert keys.authenticate(key).name == "grafana"


def test_without_a_key_it_is_said_how_to_send_one(keys: Keys) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        keys.authenticate(None)
    assert str(caught.value) == (
        "a key is needed: send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
    )


def test_a_revoked_key_stays_revoked(keys: Keys) -> None:
    key = create(keys)
    assert keys.revoke("grafana")
    assert not keys.revoke("grafana")
    assert not keys.revoke("nobody")
    with pytest.raises(UnauthenticatedError, match="'grafana' has been revoked"):
        keys.authenticate(key)
    with pytest.raises(KeyNameTaken):
        create(keys)


def test_use_is_noted_at_most_once_a_minute(
    db: Database, keys: Keys, clock: FakeClock
) -> None:
    key = create(keys)

    def used() -> int | None:
        keys.authenticate(key)
        return queries.list_keys(db)[0].last_used_at

    assert used() == NOW
    clock.advance(59)
    assert used() == NOW
    clock.advance(1)
    assert used() == NOW + 60


def test_a_database_that_another_process_writes_still_lets_keys_in(
    db: Database, clock: FakeClock
) -> None:
    key = create(Keys(db, clock))
    url = f"sqlite:///{db.database}"
    hasty = open_database(url, busy_timeout=0.01)
    writer = open_database(url)
    try:
        with writer.atomic():
            caller = Keys(hasty, clock).authenticate(key)
    finally:
        hasty.close()
        writer.close()
    assert caller.name == "grafana"


@pytest.mark.parametrize(
    ("authorization", "api_key", "key"),
    [
        (None, None, None),
        ("Bearer abc", None, "abc"),
        ("bearer  abc ", None, "abc"),
        (None, " abc ", "abc"),
        ("Bearer other", "abc", "abc"),
        ("Basic YTpi", None, None),
        ("Bearer", None, None),
        ("Bearer ", None, None),
        ("", "", None),
    ],
)
def test_a_key_comes_in_either_header(
    authorization: str | None, api_key: str | None, key: str | None
) -> None:
    assert key_in(authorization, api_key) == key


def test_admin_implies_every_scope() -> None:
    admin = Caller("root", frozenset({Scope.ADMIN}), None)
    assert all(admin.may(scope) for scope in Scope)
    reader = Caller("reader", frozenset({Scope.READ}), None)
    assert [scope for scope in Scope if reader.may(scope)] == [Scope.READ]
    assert all(ANYBODY.may(scope) for scope in Scope)


def test_a_missing_scope_is_said_with_how_to_get_it() -> None:
    reader = Caller("reader", frozenset({Scope.READ}), None)
    authorize(reader, Scope.READ)
    with pytest.raises(ForbiddenError) as caught:
        authorize(reader, Scope.INGEST)
    assert str(caught.value) == (
        "the key 'reader' has no scope 'ingest'; create one with "
        "`epimetheus key create NAME --scope ingest`"
    )


def test_a_view_that_declares_nothing_is_closed_to_everybody() -> None:
    def forgotten() -> None:
        """Declare nothing."""

    assert declared(forgotten) is None
    with pytest.raises(ForbiddenError, match="closed: it declares no scope"):
        authorize(ANYBODY, declared(forgotten))


def test_views_declare_a_scope_or_that_they_are_open() -> None:
    @needs(Scope.PROBE)
    def closed() -> None:
        """Need a scope."""

    @open_to_all
    def opened() -> None:
        """Need nothing."""

    assert (declared(closed), declared(opened)) == (Scope.PROBE, OPEN)
    authorize(Caller("nobody", frozenset(), None), declared(opened))


def test_scopes_are_read_by_name() -> None:
    assert read_scopes(["probe", "read", "read"]) == (Scope.READ, Scope.PROBE)
    with pytest.raises(ValueError, match="'write' is not a scope; known are read"):
        read_scopes(["read", "write"])
    with pytest.raises(ValueError, match="at least one scope is needed"):
        read_scopes([])
