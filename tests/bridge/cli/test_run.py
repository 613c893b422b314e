from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.bridge.application import NOON
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

SPAN = ("--from", str(NOON), "--to", str(NOON + 3600))


@pytest.fixture(autouse=True)
def _past(db: Database) -> None:
    stage(db, "a", "b")
    past(db)


def test_runs_are_listed(used: Shell) -> None:
    lines = used.run("run", "list", *SPAN).output.splitlines()
    assert len(lines) == 5
    assert lines[0].split()[:4] == ["ID", "TIME", "AGENT", "JOB"]
    none = used.run("run", "list", *SPAN, "--state", "failed", "--json")
    assert orjson.loads(none.stdout) == {"runs": []}
    wrong = used.run("run", "list", "--agent", "nobody")
    assert "agent: there is no agent 'nobody'" in wrong.stderr


def test_a_run_is_shown_with_its_results(used: Shell) -> None:
    told = used.run("run", "show", "4").output
    assert "b            icmp   timeout" in told
    plain = orjson.loads(used.run("run", "show", "4", "--json").stdout)
    assert [one["destination"] for one in plain["results"]] == ["a", "b"]
    gone = used.run("run", "show", "99")
    assert (gone.exit_code, gone.stderr) == (1, "epimetheus: there is no run 99\n")


def test_results_are_exported(used: Shell) -> None:
    told = used.run("run", "export", *SPAN, "--destination", "a", "--probe", "icmp")
    assert len(told.stdout.splitlines()) == 5
