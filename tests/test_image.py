"""The image, as far as it can be known without building it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.settings import Settings
from tests import dockerfile
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
BUILD, FINAL = dockerfile.read(ROOT / "Dockerfile")


def run(
    *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=env,
    )


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    ran = run(hadolint, "--no-color", ROOT / "Dockerfile")

    assert (ran.returncode, ran.stdout) == (0, "")


def test_both_stages_start_from_one_named_release() -> None:
    assert BUILD.image == FINAL.image
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", FINAL.image)


def test_it_does_not_run_as_root() -> None:
    uid, gid = FINAL.last("USER").rest.split(":")

    assert int(uid) == int(gid) >= 1000
    assert f"--uid {uid}" in FINAL.all("RUN")[0].rest


def test_it_writes_to_nothing_but_its_volume() -> None:
    settings = Settings()
    home = Path(FINAL.last("WORKDIR").rest)
    (volume,) = FINAL.last("VOLUME").exec_form or [""]

    assert home / settings.bridge.state == Path(volume)
    assert home / settings.database.url.removeprefix("sqlite:///") == (
        Path(volume) / "epimetheus.db"
    )
    assert f"--owner=10001 --group=10001 --mode=0750 {volume}" in (
        FINAL.all("RUN")[0].rest
    )


def test_it_serves_by_default_and_ends_on_sigterm() -> None:
    assert FINAL.last("CMD").exec_form == ["epimetheus", "serve"]
    assert FINAL.last("STOPSIGNAL").rest == "SIGTERM"


def test_it_exposes_the_ports_of_both_programs() -> None:
    settings = Settings()

    assert FINAL.last("EXPOSE").rest.split() == [
        str(settings.exporter.listen.port),
        str(settings.bridge.listen.port),
    ]


def test_nothing_is_fetched_from_elsewhere() -> None:
    for stage in (BUILD, FINAL):
        assert not stage.all("ADD")
        assert not any("curl" in each.rest for each in stage.all("RUN"))
        assert not any("apt" in each.rest for each in stage.all("RUN"))


def test_nothing_is_built_in_the_final_stage() -> None:
    assert not any("pip" in each.rest for each in FINAL.all("RUN"))
    assert [each.rest for each in FINAL.all("COPY")] == [
        "--from=build /opt/epimetheus /opt/epimetheus"
    ]


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    for source, _ in BUILD.copied():
        assert (ROOT / source).exists(), source
        assert not dockerfile.ignored(source, ROOT / ".dockerignore")


@pytest.mark.parametrize(
    "path",
    [".git", ".venv", "data", "config.yaml", "tests", "bridge/__pycache__/a.pyc"],
)
def test_nothing_else_reaches_the_build(path: str) -> None:
    assert dockerfile.ignored(path, ROOT / ".dockerignore")


class AnswersWithItsPath(BaseHTTPRequestHandler):
    """Answers /503 with the status 503."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), AnswersWithItsPath) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def check_health(url: str) -> int:
    python, *arguments = FINAL.last("HEALTHCHECK").exec_form or []
    assert python == "python"
    return run(sys.executable, *arguments, env={"HEALTH_URL": url}).returncode


def test_the_health_check_succeeds_when_the_program_does(server: str) -> None:
    assert check_health(f"{server}/200") == 0


def test_the_health_check_fails_when_the_program_does(server: str) -> None:
    assert check_health(f"{server}/503") == 1


def test_the_health_check_fails_when_nothing_listens() -> None:
    assert check_health(f"http://127.0.0.1:{free_port()}/") == 1


def test_the_health_check_asks_the_bridge_unless_told_otherwise() -> None:
    (url,) = (
        word.removeprefix("HEALTH_URL=")
        for word in FINAL.last("ENV").rest.split()
        if word.startswith("HEALTH_URL=")
    )

    assert url == f"{Settings().bridge.listen.url}/-/healthy"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build stage makes of exactly what it copies."""
    folder = tmp_path_factory.mktemp("image")
    source, target = folder / "src", folder / "installed"
    for name, destination in BUILD.copied():
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name,
                source / destination,
                ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
            )
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source / destination)
    ran = run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-index"),
        *("--no-deps", "--no-build-isolation", "--disable-pip-version-check"),
        *("--target", target, source),
    )
    assert ran.returncode == 0, ran.stderr
    return target


def test_every_file_of_the_packages_is_installed(installed: Path) -> None:
    missing = [
        str(path.relative_to(ROOT))
        for name, _ in BUILD.copied()
        for path in (ROOT / name).rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not (installed / path.relative_to(ROOT)).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("command", ["epimetheus", "epimetheus-exporter"])
def test_both_commands_run_from_what_is_installed(
    installed: Path, tmp_path: Path, command: str
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = run(installed / "bin" / command, "--check", cwd=tmp_path, env=environment)

    assert (ran.returncode, ran.stderr) == (0, "")
