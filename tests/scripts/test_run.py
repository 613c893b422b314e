from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runtime.settings import Settings
from scripts.run import Program, directions, programs_of, supervise

NOWHERE = "http://127.0.0.1:1"
ROOT = Path(__file__).parents[2]

SERVER = """
import http.server, signal, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        healthy = self.path == "/-/healthy"
        self.send_response(200 if healthy else 404)
        self.end_headers()
        if self.path == "/end":
            threading.Thread(target=server.shutdown).start()

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
signal.signal(
    signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start()
)
server.serve_forever()
print(sys.argv[1], "finished", flush=True)
sys.exit(int(sys.argv[3]))
"""


def program(name: str, code: int = 0) -> Program:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-c", SERVER, name, str(port), str(code))
    return Program(name, command, f"http://127.0.0.1:{port}")


class Told(io.StringIO):
    """What was told, and a stop as soon as it was."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self.stop = stop

    def flush(self) -> None:
        self.stop.set()


def test_directions_are_told_once_both_answer_and_both_stop_in_reverse(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stop = threading.Event()
    out = Told(stop)
    assert supervise([program("a"), program("b")], stop, out, "look there") == 0
    assert out.getvalue() == "look there\n"
    assert capfd.readouterr() == ("b finished\na finished\n", "")


def test_when_one_ends_the_other_is_stopped_and_it_is_said_which(
    capfd: pytest.CaptureFixture[str],
) -> None:
    failing = Program("b", (sys.executable, "-c", "raise SystemExit(3)"), NOWHERE)
    out = io.StringIO()
    assert supervise([program("a"), failing], threading.Event(), out, "told") == 3
    assert out.getvalue() == ""
    assert capfd.readouterr() == (
        "a finished\n",
        "b ended with exit code 3; its last lines say why\n",
    )


def test_one_that_ends_well_but_unasked_is_a_failure_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    ending = Program("b", (sys.executable, "-c", ""), NOWHERE)
    assert supervise([ending], threading.Event(), io.StringIO(), "told") == 1
    assert capfd.readouterr().err == (
        "b ended with exit code 0; its last lines say why\n"
    )


def test_one_that_is_killed_is_named_with_the_signal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    killed = Program("b", (sys.executable, "-c", code), NOWHERE)
    assert supervise([killed], threading.Event(), io.StringIO(), "told") == 1
    assert capfd.readouterr().err == "b ended with signal 9; its last lines say why\n"


def test_a_port_that_is_taken_is_said_and_nothing_is_started(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        taken = Program("b", (sys.executable, "-c", "print('started')"), url)
        assert supervise([taken], threading.Event(), io.StringIO(), "told") == 1
    assert capfd.readouterr() == (
        "",
        f"b cannot listen at {url}: something else does; does it run already?\n",
    )


def test_a_stop_while_they_come_up_stops_what_was_started(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stop = threading.Event()
    stop.set()
    silent = Program("b", (sys.executable, "-c", "input()"), NOWHERE)
    out = io.StringIO()
    assert supervise([program("a"), silent], stop, out, "told") == 0
    assert (out.getvalue(), capfd.readouterr().err) == ("", "")


def test_both_programs_get_the_file_and_are_asked_where_they_listen() -> None:
    settings = Settings.model_validate(
        {
            "exporter": {"listen": "0.0.0.0:9205"},
            "bridge": {"listen": "[::]:9206", "auth": "keys"},
        }
    )
    exporter, bridge = programs_of(settings, Path("my.yaml"))
    python = (sys.executable, "-m")
    assert exporter == Program(
        "exporter",
        (*python, "exporter", "--config", "my.yaml"),
        "http://127.0.0.1:9205",
    )
    assert bridge == Program(
        "bridge",
        (*python, "bridge", "--config", "my.yaml", "serve"),
        "http://[::1]:9206",
    )
    assert programs_of(settings, None)[0].command == (*python, "exporter")


BRIDGE = "EPIMETHEUS__EXPORTER__PROBER__BRIDGE"


@pytest.mark.parametrize(
    ("prober", "auth", "environment"),
    [
        ({}, "none", {BRIDGE: "http://127.0.0.1:9106"}),
        ({}, "keys", {}),
        ({"key_file": "key"}, "keys", {BRIDGE: "http://127.0.0.1:9106"}),
        ({"bridge": "http://192.0.2.1:9106"}, "none", {}),
    ],
)
def test_the_exporter_is_an_agent_of_the_bridge_beside_it(
    prober: dict[str, str], auth: str, environment: dict[str, str]
) -> None:
    settings = Settings.model_validate(
        {"exporter": {"prober": prober}, "bridge": {"auth": auth}}
    )
    exporter, bridge = programs_of(settings, None)
    assert exporter.environment == environment
    assert bridge.environment == {}


def test_a_program_has_its_environment(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import os; print(os.environ['A'], 'PATH' in os.environ)"
    told = Program("a", (sys.executable, "-c", code), NOWHERE, {"A": "b"})
    assert supervise([told], threading.Event(), io.StringIO(), "told") == 1
    assert capfd.readouterr().out == "b True\n"


def test_directions_name_addresses_and_things_to_try() -> None:
    assert directions(Settings()).splitlines() == [
        "",
        "exporter  http://127.0.0.1:9105/metrics",
        "bridge    http://127.0.0.1:9106/",
        "",
        "The first minute is finished a little after its end. Then try:",
        "",
        "  curl '127.0.0.1:9106/api/v1/rollups?match=node_load1&resolution=minute'",
        "  curl '127.0.0.1:9106/api/v1/events'",
        "  curl '127.0.0.1:9106/api/v1/status'",
        (
            '  sqlite3 data/epimetheus.db "SELECT * FROM minutes WHERE metric = '
            "'node_load1'\""
        ),
        "",
        "Ctrl-C stops both.",
    ]


def test_directions_name_the_key_and_no_file_where_that_is_so() -> None:
    text = directions(
        Settings.model_validate(
            {
                "bridge": {"auth": "keys"},
                "database": {"url": "postgresql://me@db/epimetheus"},
            }
        )
    )
    assert "curl -H 'Authorization: Bearer KEY' '127.0.0.1:9106/api/v1/events'" in text
    assert "sqlite3" not in text


def test_wrong_settings_are_said_and_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("log: {level: loud}\n")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.run", "--config", tmp_path / "config.yaml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "log.level: 'loud' is not allowed; use debug, info, warning or error\n",
    )


PARENT = """
import sys, threading
from scripts.run import Program, supervise
program = Program("a", tuple(sys.argv[2:]), sys.argv[1])
supervise([program], threading.Event(), sys.stdout, "told")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own service")
def test_a_program_ends_also_when_what_started_it_is_killed() -> None:
    child = program("a")
    reader, writer = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, child.url, *child.command],
        stdout=writer,
        cwd=ROOT,
    )
    os.close(writer)
    with parent, os.fdopen(reader, "rb") as output:
        assert output.readline() == b"told\n"
        parent.send_signal(signal.SIGKILL)
        assert output.read() == b"a finished\n"
