from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.auth import Keys, Scope, UnauthenticatedError
from models.database import open_database
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bridge.cli.conftest import Shell


@pytest.fixture
def keys(shell: Shell) -> Iterator[Keys]:
    db = open_database(f"sqlite:///{shell.database}")
    yield Keys(db, SystemClock())
    db.close()


def test_a_key_is_printed_once_and_lets_in(shell: Shell, keys: Keys) -> None:
    result = shell.run(
        "key",
        "create",
        "ci",
        "--scope",
        "read",
        "--scope",
        "ingest",
        "--workspace",
        "team",
    )
    assert result.exit_code == 0
    assert result.stderr == "Keep it now: it cannot be shown again.\n"
    caller = keys.authenticate(result.stdout.strip())
    assert (caller.name, caller.workspace) == ("ci", "team")
    assert caller.scopes == {Scope.READ, Scope.INGEST}


def test_keys_are_listed_without_their_secrets(shell: Shell, keys: Keys) -> None:
    first = shell.run("key", "create", "first", "--scope", "read").stdout.strip()
    shell.run("key", "create", "second", "--scope", "admin", "--workspace", "team")
    shell.run("key", "revoke", "second")
    listed = shell.run("key", "list").stdout
    rows = [line.split() for line in listed.splitlines()]
    assert rows[0][:4] == ["NAME", "KEY", "SCOPES", "WORKSPACE"]
    prefix = first.split("_")[1]
    assert rows[1][:4] == ["first", f"epk_{prefix}_…", "read", "all"]
    assert rows[1][5:] == ["never", "valid"]
    assert (rows[2][0], rows[2][2:4]) == ("second", ["admin", "team"])
    assert rows[2][6] == "revoked"
    assert first.split("_")[2] not in listed
    assert len(keys.list()) == 2


def test_a_revoked_key_lets_nobody_in(shell: Shell, keys: Keys) -> None:
    key = shell.run("key", "create", "old", "--scope", "read").stdout.strip()
    assert shell.run("key", "revoke", "old").stdout == "revoked old\n"
    with pytest.raises(UnauthenticatedError):
        keys.authenticate(key)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["create", "ci"], 2, "Missing option '--scope'"),
        (["create", "ci", "--scope", "write"], 2, "'write' is not one of"),
        (["create", "", "--scope", "read"], 2, "Invalid value for 'NAME': it is empty"),
        (["create", "  ", "--scope", "read"], 2, "Invalid value for 'NAME': it is"),
        (["revoke", "nobody"], 1, "there is no valid key called 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said(
    shell: Shell, arguments: list[str], code: int, message: str
) -> None:
    result = shell.run("key", *arguments)
    assert result.exit_code == code
    assert message in result.stderr


def test_a_name_is_used_once(shell: Shell) -> None:
    shell.run("key", "create", "ci", "--scope", "read")
    again = shell.run("key", "create", "ci", "--scope", "read")
    assert (again.exit_code, again.stdout, again.stderr) == (
        1,
        "",
        "epimetheus: there is a key named 'ci' already\n",
    )


def test_the_name_of_a_revoked_key_stays_taken(shell: Shell) -> None:
    shell.run("key", "create", "ci", "--scope", "read")
    shell.run("key", "revoke", "ci")
    again = shell.run("key", "create", "ci", "--scope", "read")
    assert (again.exit_code, again.stdout, again.stderr) == (
        1,
        "",
        (
            "epimetheus: the key 'ci' is revoked and its name stays taken; "
            "choose another name\n"
        ),
    )


@pytest.mark.setting("database.migrate_at_start")
def test_keys_can_be_made_before_the_first_start_unless_migrating_is_off(
    shell: Shell,
) -> None:
    shell.configure("  migrate_at_start: false\n")
    refused = shell.run("key", "create", "ci", "--scope", "read")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("epimetheus: migrations are pending: 0001_")
    shell.configure("  migrate_at_start: true\n")
    assert shell.run("key", "create", "ci", "--scope", "read").exit_code == 0
