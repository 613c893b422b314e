from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from models.database import open_database
from models.lease import Lease, LeaseTaken

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from models.database import open_database
from models.lease import Lease

Lease(open_database(sys.argv[1])).start()
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
