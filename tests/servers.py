"""Real servers for tests: Prometheus and node_exporter as Debian ships them.

Each runs on a free loopback port with a directory of its own, and ends with the test
run even when that is killed.
"""

from __future__ import annotations

import functools
import json
import math
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, TYPE_CHECKING, Any, Final, Self

from runtime.process import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PATIENCE: Final = 60.0
SCRAPE_NOTHING: Final = "global: {scrape_interval: 15s}\n"


def free_port() -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def create_blocks(data_dir: Path, lines: Iterable[str]) -> None:
    """Write OpenMetrics lines (times in seconds) as blocks that Prometheus serves.

    The directory may hold blocks already and must not be in use.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    text = data_dir.parent / f"{data_dir.name}-backfill.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, data_dir],
        check=True,
        capture_output=True,
    )
    text.unlink()


class _Server:
    """A program that serves HTTP on a loopback port; the port stays for restarts."""

    program: str
    ready_path: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def arguments(self) -> Sequence[str]:
        raise NotImplementedError

    def start(self) -> Self:
        """Start the program and wait until it is ready."""
        if shutil.which(self.program) is None:
            raise FileNotFoundError(f"{self.program} is not installed")
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = self._open(log)
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Ask the program to end and wait for it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                self._process.kill()
                self._process.wait()
                self._process = None

    def kill(self) -> None:
        """End the program at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _open(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.program, *self.arguments()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=functools.partial(  # noqa: PLW1509 - one prctl call
                die_with_parent, os.getpid()
            ),
        )

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.kill()
                said = (self.directory / "log").read_text(encoding="utf-8")
                raise RuntimeError(f"{self.program} did not come up:\n{said}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self.ready_path, timeout=5) as got:
                return bool(got.status == 200)
        except OSError:
            return False


class RealPrometheus(_Server):
    """A Prometheus server with a configuration and data of its own.

    `data_dir` (by default `data` in the directory) may already hold blocks; nothing in
    it is too old to be served. `start` after `stop` continues with the same data and
    port.
    """

    program = "prometheus"
    ready_path = "/-/ready"

    def __init__(
        self,
        directory: Path,
        config: str = SCRAPE_NOTHING,
        *,
        data_dir: Path | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        super().__init__(directory)
        self.config = config
        self.data_dir = data_dir or directory / "data"
        self._flags = tuple(flags)

    def arguments(self) -> Sequence[str]:
        path = self.directory / "prometheus.yml"
        path.write_text(self.config, encoding="utf-8")
        return (
            f"--config.file={path}",
            f"--storage.tsdb.path={self.data_dir}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-lifecycle",
            "--web.enable-admin-api",
            "--log.level=warn",
            *self._flags,
        )

    def api(self, path: str, **fields: str | Sequence[str]) -> Any:
        """Return `data` of an API answer; a field may repeat (`match[]`)."""
        body = urllib.parse.urlencode(fields, doseq=True)
        url = f"{self.url}/api/v1/{path}?{body}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str, at: float | str) -> list[dict[str, Any]]:
        """Return the result of an instant query at a time in UTC seconds."""
        result: list[dict[str, Any]] = self.api(
            "query", query=expression, time=str(at)
        )["result"]
        return result

    def samples(
        self, selector: str, start_ms: int, end_ms: int
    ) -> dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]:
        """Return the raw samples of `[start_ms, end_ms)` by sorted labels and name.

        An independent reading for comparisons: one query over a wider span, cut here.
        """
        span = math.ceil((end_ms - start_ms) / 1000) + 2
        at = f"{(end_ms + 1000) // 1000}.{(end_ms + 1000) % 1000:03d}"
        found = {}
        for series in self.query(f"{selector}[{span}s]", at):
            samples = [
                (round(float(seconds) * 1000), float(value))
                for seconds, value in series["values"]
            ]
            inside = [(at, v) for at, v in samples if start_ms <= at < end_ms]
            if inside:
                found[tuple(sorted(series["metric"].items()))] = inside
        return found


class RealNodeExporter(_Server):
    """A node_exporter of this machine."""

    program = "prometheus-node-exporter"
    ready_path = "/"

    def arguments(self) -> Sequence[str]:
        return (
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        )


class RealBlackboxExporter(_Server):
    """A blackbox_exporter with modules of its own, written in YAML."""

    program = "prometheus-blackbox-exporter"
    ready_path = "/-/healthy"

    def __init__(self, directory: Path, config: str) -> None:
        super().__init__(directory)
        self._config = config

    def arguments(self) -> Sequence[str]:
        path = self.directory / "blackbox.yml"
        path.write_text(self._config, encoding="utf-8")
        return (
            f"--config.file={path}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        )


class RealSmokepingProber(_Server):
    """A smokeping_prober that sends to some hosts."""

    program = "prometheus-smokeping-prober"
    ready_path = "/metrics"

    def __init__(self, directory: Path, hosts: Sequence[str]) -> None:
        super().__init__(directory)
        self._hosts = tuple(hosts)

    def arguments(self) -> Sequence[str]:
        return (
            "--config.file=",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--ping.interval=200ms",
            *self._hosts,
        )
