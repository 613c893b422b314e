from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from models.database import DatabaseUnavailable, open_database
from models.lease import Lease, LeaseTaken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import PostgresServer

HOLD = """
import sys
from models.database import open_database
from models.lease import Lease

lease = Lease(open_database(sys.argv[1]))
lease.start()
print("held", flush=True)
sys.stdin.read()
"""


def test_only_one_process_holds_the_lease(database_url: str) -> None:
    db = open_database(database_url)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LeaseTaken, match="another bridge already rolls up into"):
            Lease(db).start()
        other.kill()
    lease = Lease(db)
    for _ in range(100):
        try:
            lease.start()
        except LeaseTaken:  # a server hears of a killed client a little later
            time.sleep(0.05)
            continue
        break
    else:
        pytest.fail("the lease of a killed process was not freed")
    lease.stop()
    db.close()


def test_a_lease_that_was_given_back_can_be_taken_again(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path / 'new' / 'lease.db'}")
    for _ in range(2):
        lease = Lease(db)
        lease.start()
        lease.stop()
    lease.stop()


def test_a_lease_that_was_lost_is_noticed_and_taken_again(
    postgres: PostgresServer,
) -> None:
    name = postgres.new_database()
    db = open_database(postgres.url(name))
    lease = Lease(db)
    lease.start()
    lease.check()
    drop_connections(postgres, name)
    with pytest.raises(DatabaseUnavailable, match="the lease was taken again"):
        lease.check()
    assert lease.losses == 1
    lease.check()
    with pytest.raises(LeaseTaken):
        Lease(db).start()
    lease.stop()
    other = Lease(db)
    other.start()
    other.stop()
    postgres.drop_database(name)


def test_a_lease_that_another_bridge_took_is_not_taken_back(
    postgres: PostgresServer,
) -> None:
    name = postgres.new_database()
    db, other_db = open_database(postgres.url(name)), open_database(postgres.url(name))
    lease, other = Lease(db), Lease(other_db)
    lease.start()
    drop_connections(postgres, name)
    other.start()
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="another bridge has taken it"):
            lease.check()
    assert lease.losses == 0
    other.stop()
    with pytest.raises(DatabaseUnavailable, match="the lease was taken again"):
        lease.check()
    assert lease.losses == 1
    lease.stop()
    postgres.drop_database(name)


def test_a_lease_on_a_file_is_never_lost(tmp_path: Path) -> None:
    lease = Lease(open_database(f"sqlite:///{tmp_path / 'lease.db'}"))
    lease.start()
    lease.check()
    lease.stop()
    assert lease.losses == 0


def drop_connections(postgres: PostgresServer, name: str) -> None:
    """End all connections to a database, as a server that starts again does."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
    postgres.execute(f"{others} '{name}'")
    left = f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}'"
    for _ in range(200):
        if postgres.execute(left) == [(0,)]:
            return
        time.sleep(0.01)
    pytest.fail("connections were not ended")


def test_a_database_under_another_name_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "lease.db")
    held = Lease(open_database(f"sqlite:///{tmp_path / 'real' / 'lease.db'}"))
    held.start()
    with pytest.raises(LeaseTaken):
        Lease(open_database(f"sqlite:///{tmp_path / 'link.db'}")).start()
    held.stop()
