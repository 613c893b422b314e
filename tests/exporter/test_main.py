from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import pytest

from exporter.telemetry import version
from runtime.settings import Collectors
from tests.exporter.exposition import parse
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "exporter", *arguments]


def _environ(**settings: str) -> dict[str, str]:
    """Return an environment with settings such as LISTEN of the section exporter."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("EPIMETHEUS__")}
    chosen = {f"EPIMETHEUS__EXPORTER__{k}": v for k, v in settings.items()}
    return {**clean, **chosen, "PYTHONPATH": str(ROOT)}


def _run(cwd: Path, *arguments: str, **settings: str) -> Ended:
    environ = _environ(**settings)
    done = subprocess.run(
        _command(*arguments),
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Running(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    said: list[str]


@contextmanager
def running(cwd: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    """Start the program and wait until it says that it listens."""
    environ = _environ(**settings)
    process = subprocess.Popen(
        _command(*arguments), cwd=cwd, env=environ, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        said, url = _until_it_listens(process.stderr)
        yield Running(process, url, said)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def _until_it_listens(stderr: IO[str]) -> tuple[list[str], str]:
    said = []
    for line in stderr:
        said.append(line)
        if match := re.search(r'"url": "(http[^"]+)".*"event": "listening"', line):
            return said, match[1]
    raise AssertionError("".join(said))


def _get(url: str, **headers: str) -> str:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


@pytest.mark.setting("exporter.listen")
def test_it_serves_where_the_settings_say_and_ends_on_sigterm(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, LISTEN=f"127.0.0.1:{port}") as program:
        assert program.url == f"http://127.0.0.1:{port}/metrics"
        assert "node_load1" in parse(_get(program.url))
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(30) == 0


@pytest.mark.setting("exporter.token")
def test_a_token_from_the_environment_is_demanded(tmp_path: Path) -> None:
    token = {"TOKEN": "s3cret"}
    with running(tmp_path, LISTEN="127.0.0.1:0", **token) as program:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _get(program.url)
        assert "node_load1" in _get(program.url, Authorization="Bearer s3cret")
        assert "s3cret" not in "".join(program.said)


@pytest.mark.setting("exporter.token_file")
def test_a_token_from_a_file_is_demanded(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("from-a-file\n", encoding="ascii")
    token.chmod(0o600)
    with running(tmp_path, LISTEN="127.0.0.1:0", TOKEN_FILE=str(token)) as program:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _get(program.url)
        assert "node_load1" in _get(program.url, Authorization="Bearer from-a-file")


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({"LISTEN": "0.0.0.0:0"}, True),
        ({"LISTEN": "0.0.0.0:0", "TOKEN": "s3cret"}, False),
        ({"LISTEN": "127.0.0.1:0"}, False),
    ],
)
def test_an_open_door_is_warned_about(
    tmp_path: Path, settings: dict[str, str], *, warns: bool
) -> None:
    with running(tmp_path, **settings) as program:
        said = "".join(program.said)
        assert ("everyone who reaches this address" in said) is warns


def test_the_log_level_of_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("log: {level: debug}\n", encoding="ascii")
    port = free_port()
    process = subprocess.Popen(
        _command("--log-level", "error"),
        cwd=tmp_path,
        env=_environ(LISTEN=f"127.0.0.1:{port}"),
        stderr=subprocess.PIPE,
        text=True,
    )
    while True:
        assert process.poll() is None
        try:
            _get(f"http://127.0.0.1:{port}/metrics")
            break
        except urllib.error.URLError:
            time.sleep(0.02)
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert said == ""


def test_a_port_in_use_ends_it_with_the_reason_and_no_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = _run(tmp_path, "--log-level", "error", LISTEN=address)
    assert ended == Ended(
        1,
        "",
        f"epimetheus-exporter: {address} is in use by another program; "
        "stop it, or set exporter.listen to another port\n",
    )


def test_wrong_settings_end_it_with_all_problems_and_no_traceback(
    tmp_path: Path,
) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "exporter:\n  deadline: 5\n  max_scrapes: 0\n", encoding="ascii"
    )
    ended = _run(tmp_path, "--config", "wrong.yaml")
    about = [": ".join(line.split(": ")[:2]) for line in ended.err.splitlines()]
    assert (ended.code, ended.out) == (2, "")
    assert sorted(about) == [
        "epimetheus-exporter: exporter.deadline",
        "epimetheus-exporter: exporter.max_scrapes",
    ]


def test_a_token_file_that_is_not_there_ends_it_with_the_reason(tmp_path: Path) -> None:
    missing = str(tmp_path / "token")
    ended = _run(tmp_path, TOKEN_FILE=missing)
    assert ended.code == 2
    assert ended.err.startswith(f"epimetheus-exporter: {missing}: ")
    assert len(ended.err.splitlines()) == 1


def test_check_says_whether_the_settings_are_valid(tmp_path: Path) -> None:
    assert _run(tmp_path, "--check").code == 0
    (tmp_path / "config.yaml").write_text("exporter: {nix: 1}\n", encoding="ascii")
    ended = _run(tmp_path, "--check")
    assert ended.code == 2
    assert "exporter.nix" in ended.out


def test_once_prints_the_metrics(tmp_path: Path) -> None:
    ended = _run(tmp_path, "--once")
    found = parse(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert {"node_load1", "node_uname_info", "process_open_fds"} <= found.keys()
    success = found["node_scrape_collector_success"].samples
    enabled = {name for name, section in Collectors() if section.enabled}
    assert {name for ((_, name),) in success} == enabled


def test_once_fails_if_a_collector_does(tmp_path: Path) -> None:
    ended = _run(tmp_path, "--once", PATHS__PROCFS=str(tmp_path))
    found = parse(ended.out)
    success = found["node_scrape_collector_success"].samples
    assert ended.code == 1
    assert success[(("collector", "cpu"),)] == 0
    assert success[(("collector", "time"),)] == 1
    assert "node_time_seconds" in found
    assert "collector has no answer" in ended.err


def test_the_version_is_told(tmp_path: Path) -> None:
    ended = _run(tmp_path, "--version")
    assert ended == Ended(0, f"epimetheus-exporter, version {version()}\n", "")


def test_compat_tells_what_becomes_of_a_file_and_ends_by_it(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{rules: [{record: 'a:b', expr: node_load1}]}]\n")
    ended = _run(tmp_path, "--compat", "rules.yml")
    said = "rules.yml: 1 names, 1 served, 0 silent here, 0 unknown\n"
    assert ended == Ended(0, said, "")

    rules.write_text("groups: [{rules: [{alert: A, expr: mysql_up == 0}]}]\n")
    ended = _run(tmp_path, "--compat", "rules.yml")
    assert (ended.code, ended.out.splitlines()[1:]) == (
        1,
        ["  unknown  mysql_up (in A)"],
    )

    ended = _run(tmp_path, "--compat", "none.yml")
    assert (ended.code, ended.out) == (2, "")
    assert "No such file" in ended.err


def test_compat_without_a_file_and_the_page_tell_of_known_dashboards(
    tmp_path: Path,
) -> None:
    ended = _run(tmp_path, "--compat")
    assert ended.code == 1
    assert "  unknown  node_kernel_hung_tasks\n" in ended.out
    with running(tmp_path, LISTEN="127.0.0.1:0", TOKEN="s3cret") as program:  # noqa: S106 - of the test
        url = program.url.replace("/metrics", "/compat?format=json")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _get(url)
        told = json.loads(_get(url, Authorization="Bearer s3cret"))
    full, *_ = told["dashboards"]
    states = {one["name"]: one["state"] for one in full["names"]}
    assert states["node_load1"] == states["process_open_fds"] == "served"
