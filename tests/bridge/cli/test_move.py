from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bridge.storage import open_prepared
from models.database import open_database
from models.lease import Lease
from models.migrate import Migrations
from models.move import MoveRefused, Target, is_unfinished, shapes
from models.pages import snapshot
from runtime import settings as config
from tests.models.everything import contents, fill
from tests.postgres import GUARDED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bridge.cli.conftest import Shell
    from tests.postgres import PostgresServer

ROWS = 30


@pytest.fixture
def full(shell: Shell) -> Shell:
    """A shell whose database has rows in all tables."""
    db = open_database(f"sqlite:///{shell.database}")
    Migrations(db).up()
    fill(db, ROWS)
    db.close()
    return shell


def test_a_database_is_moved_to_postgresql_and_back(
    full: Shell, postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.url(postgres.new_database())
    there = full.run("move", "--to", url)
    assert there.exit_code == 0, there.output
    total = ROWS * len(shapes())
    lines = there.stdout.splitlines()
    assert f"{total} of {total} rows copied" in lines
    assert f"{total} of {total} rows compared" in lines
    assert lines[-1] == f"moved; set database.url to {url} and start the bridge"
    table = [line.split() for line in lines if line.endswith("the same")]
    assert [row[:2] for row in table] == [[one.name, str(ROWS)] for one in shapes()]

    full.config.write_text(f"database: {{url: '{url}'}}\n")
    returned = f"sqlite:///{tmp_path}/back.db"
    back = full.run("move", "--to", returned)
    assert back.exit_code == 0, back.output
    checksums = [line.split()[2] for line in back.stdout.splitlines() if "same" in line]
    assert checksums == [row[2] for row in table]
    first, last = open_database(f"sqlite:///{full.database}"), open_database(returned)
    assert contents(first) == contents(last)
    for db in (first, last):
        db.close()


def test_what_an_interrupted_move_left_is_refused_until_it_is_resumed(
    full: Shell, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/target.db"
    target = Target(open_database(url), f"sqlite:///{full.database}")
    target.prepare(resume=False)
    target.db.close()
    with pytest.raises(MoveRefused, match="go on with `epimetheus move --resume`"):
        open_prepared(config.Database(url=url))
    refused = full.run("move", "--to", url)
    assert refused.exit_code == 1
    assert "--resume goes on with it" in refused.stderr
    assert full.run("move", "--to", url, "--resume").exit_code == 0
    db = open_prepared(config.Database(url=url))
    assert not is_unfinished(db)
    db.close()


def test_a_difference_is_named_and_the_target_not_given_free(
    full: Shell, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/target.db"
    target = Target(open_database(url), f"sqlite:///{full.database}")
    target.prepare(resume=False)
    series = next(one for one in shapes() if one.name == "series")
    source = open_database(f"sqlite:///{full.database}")
    with snapshot(source):
        source_rows = source.execute_sql(
            f"SELECT {', '.join(series.columns)} FROM series ORDER BY id"
        ).fetchall()
    changed = [(*source_rows[0][:-1], 77), *source_rows[1:]]
    target.add(series, changed, len(changed))
    source.close()
    target.db.close()
    result = full.run("move", "--to", url, "--resume")
    assert result.exit_code == 1
    assert f"series: id 1 differs in {series.columns[-1]}: " in result.stderr
    assert "different" in result.stdout
    db = open_database(url)
    assert is_unfinished(db)
    db.close()


@pytest.mark.parametrize("which", ["source", "target"])
def test_nothing_is_moved_while_a_bridge_runs(
    full: Shell, tmp_path: Path, which: str
) -> None:
    url = f"sqlite:///{tmp_path}/target.db"
    held = f"sqlite:///{full.database}" if which == "source" else url
    db = open_database(held)
    lease = Lease(db)
    lease.start()
    result = full.run("move", "--to", url)
    lease.stop()
    db.close()
    assert result.exit_code == 1
    assert "another bridge already rolls up into" in result.stderr


def test_a_target_with_rows_is_refused(full: Shell, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/target.db"
    assert full.run("move", "--to", url).exit_code == 0
    again = full.run("move", "--to", url)
    assert again.exit_code == 1
    assert "the target is not empty" in again.stderr


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        ("mysql://x/y", 2, "is not a database URL"),
        ("postgresql://a:secret@b/c", 2, "holds a password; leave it out"),
        ("sqlite:///{here}", 1, "is the database that is to be moved"),
    ],
)
def test_wrong_targets_are_refused_with_the_reason(
    full: Shell, to: str, code: int, said: str
) -> None:
    result = full.run("move", "--to", to.format(here=full.database))
    assert result.exit_code == code
    assert said in " ".join(result.stderr.split())
    assert "secret" not in result.output


@pytest.mark.parametrize("way", ["file", "environment"])
def test_the_password_comes_from_a_file_or_the_environment(
    full: Shell, postgres: PostgresServer, tmp_path: Path, way: str
) -> None:
    name = postgres.new_database()
    postgres.execute(f"DROP ROLE IF EXISTS {GUARDED}")
    postgres.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'well kept' SUPERUSER")
    url = postgres.url(name, GUARDED)
    refused = full.run("move", "--to", url)
    assert refused.exit_code == 1
    if way == "file":
        (tmp_path / "password").write_text("well kept\n")
        options = ["--password-file", str(tmp_path / "password")]
    else:
        options, full.environ["EPIMETHEUS_TO_PASSWORD"] = [], "well kept"
    result = full.run("move", "--to", url, *options)
    postgres.drop_database(name)
    assert result.exit_code == 0, result.output
    assert "well kept" not in result.output


def test_a_move_that_is_killed_is_resumed(full: Shell, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/target.db"
    code = (
        "import os, models.move as m\n"
        "noted = m.Target.add\n"
        "left = [5]\n"
        "def add(self, *rest):\n"
        "    noted(self, *rest)\n"
        "    left[0] -= 1\n"
        "    left[0] or os._exit(9)\n"
        "m.Target.add = add\n"
        "from bridge.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "--config", str(full.config)]
    killed = subprocess.run(
        [*command, "move", "--to", url],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109 - the tree
    )
    assert killed.returncode == 9, killed.stderr
    resumed = full.run("move", "--to", url, "--resume")
    assert resumed.exit_code == 0, resumed.output
    first, last = open_database(f"sqlite:///{full.database}"), open_database(url)
    assert contents(first) == contents(last)
    for db in (first, last):
        db.close()


@pytest.mark.parametrize(
    "words", [["move", "--to", "sqlite:///{}/third.db"], ["coverage"], ["retention"]]
)
def test_part_of_a_move_is_not_taken_for_a_database(
    full: Shell, tmp_path: Path, words: list[str]
) -> None:
    half = f"sqlite:///{tmp_path}/half.db"
    db = open_database(half)
    Target(db, "elsewhere").prepare(resume=False)
    db.close()
    full.config.write_text(f"database: {{url: '{half}'}}\n")
    result = full.run(*[word.format(tmp_path) for word in words])
    assert result.exit_code == 1
    assert "part of a move that was interrupted" in result.stderr
