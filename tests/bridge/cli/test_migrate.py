from __future__ import annotations

from typing import TYPE_CHECKING

from models.database import open_database
from models.lease import Lease
from models.migrate import Migrations

if TYPE_CHECKING:
    from tests.bridge.cli.conftest import Shell


def names(shell: Shell) -> list[str]:
    db = open_database(f"sqlite:///{shell.database}")
    try:
        return [row.name for row in Migrations(db).applied()]
    finally:
        db.close()


def test_migrations_are_applied_shown_and_reverted(shell: Shell) -> None:
    up = shell.run("migrate", "up")
    applied = names(shell)
    assert applied
    assert (up.exit_code, up.stdout) == (
        0,
        "".join(f"applied {name}\n" for name in applied),
    )
    assert shell.run("migrate", "up").stdout == "nothing was pending\n"

    status = shell.run("migrate", "status")
    rows = [line.split() for line in status.stdout.splitlines()]
    assert rows[0] == ["MIGRATION", "STATE", "APPLIED", "AT"]
    assert [row[:2] for row in rows[1:]] == [[name, "applied"] for name in applied]

    down = shell.run("migrate", "down", "0000", "--yes")
    assert (down.exit_code, down.stdout) == (
        0,
        "".join(f"reverted {name}\n" for name in reversed(applied)),
    )
    assert names(shell) == []
    again = shell.run("migrate", "status")
    assert [line.split()[1] for line in again.stdout.splitlines()[1:]] == [
        "pending" for _ in applied
    ]


def test_nothing_is_deleted_without_a_yes(shell: Shell) -> None:
    shell.run("migrate", "up")
    applied = names(shell)
    result = shell.run("migrate", "down", "0000", stdin="n\n")
    assert result.exit_code == 1
    assert "This deletes tables and what they hold. Go on? [y/N]: n" in result.stdout
    assert names(shell) == applied


def test_reverting_to_the_newest_does_nothing(shell: Shell) -> None:
    shell.run("migrate", "up")
    newest = names(shell)[-1]
    result = shell.run("migrate", "down", newest, "--yes")
    assert result.stdout == f"nothing was applied after {newest}\n"


def test_nothing_is_reverted_while_a_bridge_runs(shell: Shell) -> None:
    shell.run("migrate", "up")
    applied = names(shell)
    db = open_database(f"sqlite:///{shell.database}")
    lease = Lease(db)
    lease.start()
    refused = shell.run("migrate", "down", "0000", "--yes")
    assert (refused.exit_code, refused.stdout, refused.stderr) == (
        1,
        "",
        (
            f"epimetheus: another bridge already rolls up into {shell.database}; "
            "stop it first, or give this one a database of its own\n"
        ),
    )
    assert names(shell) == applied
    lease.stop()
    db.close()
    assert shell.run("migrate", "down", "0000", "--yes").exit_code == 0
    assert names(shell) == []


def test_an_unknown_migration_is_refused_before_asking(shell: Shell) -> None:
    shell.run("migrate", "up")
    result = shell.run("migrate", "down", "7777")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "epimetheus: '7777' is not an applied migration; applied are "
        f"{', '.join(names(shell))}\n"
    )


def test_looking_makes_no_database(shell: Shell) -> None:
    for arguments in (["status"], ["down", "0000", "--yes"]):
        result = shell.run("migrate", *arguments)
        assert result.exit_code == 1
        assert result.stderr == (
            f"epimetheus: there is no database at {shell.database} yet: "
            "`epimetheus serve` makes it, or `epimetheus migrate up`\n"
        )
    assert not shell.database.exists()
