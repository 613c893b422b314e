from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from models.database import open_database
from models.migrate import Migrations
from tests.bridge.probing.runs import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database
    from tests.bridge.cli.conftest import Shell


ANSWERS = {
    "GET /metrics": b"node_load1 0.5\n",
    "POST /api/v1/query": (
        b'{"status": "success", "data": {"resultType": "scalar", '
        b'"result": [1700000000.5, "1700000000.5"]}}'
    ),
}
PAGE = b"<!DOCTYPE html>\n<html><body>Welcome</body></html>\n"


class Answering(BaseHTTPRequestHandler):
    """Answers those who send the token `right`, with a page where nothing else is."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def _answer(self) -> None:
        known = self.headers.get("Authorization") == "Bearer right"
        body = ANSWERS.get(f"{self.command} {self.path}", PAGE)
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def sources(server: str, token_file: str) -> str:
    return f"""
sources:
  - {{name: far, kind: prometheus, url: "{server}", bearer_token_file: {token_file}}}
  - name: near
    kind: scrape
    targets:
      - {{url: "{server}/metrics", bearer_token_file: {token_file}}}
"""


def rows(text: str) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in text.splitlines()[1:]]


def of_sources(text: str) -> dict[str, str]:
    """Return what is said of each source, by its name."""
    return {
        line.split()[1]: " ".join(line.split()[2:])
        for line in text.splitlines()
        if line.startswith("source")
    }


def test_what_works_is_ok(shell: Shell, server: str) -> None:
    token = shell.config.with_name("token")
    token.write_text("right\n", encoding="utf-8")
    token.chmod(0o600)
    shell.configure(sources(server, str(token)))
    shell.run("migrate", "up")
    result = shell.run("check")
    assert [line.split()[:1] for line in result.stdout.splitlines()] == [
        ["WHAT"],
        ["settings"],
        ["database"],
        ["state"],
        ["probes"],
        ["source"],
        ["source"],
    ]
    assert f"sqlite:///{shell.database}" in result.stdout
    assert result.stdout.count("  ok") == 6
    assert result.exit_code == 0


def test_a_source_that_refuses_or_is_not_there_fails(shell: Shell, server: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    token = shell.config.with_name("token")
    token.write_text("wrong\n", encoding="utf-8")
    shell.configure(
        sources(server, str(token))
        + f"""  - name: gone
    kind: scrape
    targets: [{{url: "http://127.0.0.1:{port}/metrics"}}]
"""
    )
    result = shell.run("check")
    assert result.exit_code == 1
    lines = of_sources(result.stdout)
    assert lines["far"] == (
        f"failed {server}: unauthorized: the server answered 401: "
        "check the bearer token"
    )
    assert lines["near"] == (
        f"failed {server}/metrics: unauthorized: the target answered 401: "
        "check its token"
    )
    assert lines["gone"].startswith(f"failed http://127.0.0.1:{port}/metrics: refused:")


def test_a_source_that_answers_with_a_page_fails(shell: Shell, server: str) -> None:
    token = shell.config.with_name("token")
    token.write_text("right\n", encoding="utf-8")
    shell.configure(sources(f"{server}/home", str(token)))
    result = shell.run("check")
    assert result.exit_code == 1
    lines = of_sources(result.stdout)
    assert lines["far"] == (
        f"failed {server}/home: garbage: the answer is not a JSON object"
    )
    assert lines["near"].startswith(f"failed {server}/home/metrics: garbage: line 1")


@pytest.mark.setting("bridge.state")
def test_what_cannot_be_written_fails(shell: Shell) -> None:
    file = shell.config.with_name("file")
    file.write_text("no directory", encoding="utf-8")
    state, database = file / "state", file / "new" / "epimetheus.db"
    shell.config.write_text(
        f"database: {{url: 'sqlite:///{database}'}}\n"
        f"bridge: {{state: '{state}'}}\nsources: []\n",
        encoding="utf-8",
    )
    result = shell.run("check")
    assert result.exit_code == 1
    assert rows(result.stdout)[1:3] == [
        ["database", "failed", f"{database} cannot be made: Not a directory"],
        ["state", "failed", f"{state} cannot be written: Not a directory"],
    ]


@pytest.mark.setting("database.migrate_at_start")
def test_a_database_to_be_made_is_fine_only_if_it_may_be_made(shell: Shell) -> None:
    quiet = "sources: []\n"
    shell.configure(quiet)
    result = shell.run("check")
    assert (result.exit_code, rows(result.stdout)[1]) == (
        0,
        ["database", "ok", f"{shell.database} is made at start"],
    )
    shell.configure(f"  migrate_at_start: false\n{quiet}")
    refused = shell.run("check")
    assert (refused.exit_code, rows(refused.stdout)[1]) == (
        1,
        [
            "database",
            "failed",
            f"{shell.database} does not exist; run `epimetheus migrate up`",
        ],
    )
    assert not shell.database.exists()


@pytest.mark.setting("database.migrate_at_start")
def test_pending_migrations_are_fine_only_if_they_may_be_applied(shell: Shell) -> None:
    db = open_database(f"sqlite:///{shell.database}")
    pending = ", ".join(Migrations(db).pending())
    db.close()
    quiet = "sources: []\n"
    shell.configure(quiet)
    result = shell.run("check")
    assert (result.exit_code, rows(result.stdout)[1]) == (
        0,
        ["database", "ok", f"migrations are applied at start: {pending}"],
    )
    shell.configure(f"  migrate_at_start: false\n{quiet}")
    refused = shell.run("check")
    assert (refused.exit_code, rows(refused.stdout)[1]) == (
        1,
        [
            "database",
            "failed",
            f"migrations are pending: {pending}; run `epimetheus migrate up`",
        ],
    )


def test_a_file_that_is_no_database_fails(shell: Shell) -> None:
    shell.database.write_text("text " * 1000, encoding="utf-8")
    shell.configure("sources: []\n")
    result = shell.run("check")
    assert result.exit_code == 1
    assert "is not an SQLite database" in rows(result.stdout)[1][2]


PROBES = """
probes:
  destinations:
    - {name: gateway, host: 192.0.2.1}
  jobs:
    - {name: often, destinations: [gateway]}
"""


def test_what_would_be_probed_is_said(shell: Shell) -> None:
    shell.configure(f"sources: []{PROBES}")
    told = shell.run("check").output
    assert "0 modules, 1 destinations, 1 jobs, 0 maintenance\n" in told


def test_what_would_be_taken_over_is_said(used: Shell, db: Database) -> None:
    stage(db, "gateway")
    used.configure(f"sources: []{PROBES}")
    told = used.run("check").output
    assert "1 to adopt; 1 to make; made by the API until now: destination gat" in told


def test_wrong_probes_are_told_by_their_place(shell: Shell) -> None:
    shell.configure(PROBES.replace("[gateway]", "[gatway]"))
    result = shell.run("check")
    assert result.exit_code == 2
    assert "probes.jobs[0].destinations: there is no destination 'gatway'" in (
        result.stderr
    )
