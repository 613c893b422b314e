"""Starts the exporter and the bridge beside each other and says where to look.

    python -m scripts.run [--config PATH]

Both end when this ends, whatever the reason, and when one of them ends so does the
other. SIGTERM and SIGINT are passed on as SIGTERM, so that the bridge finishes the
window at hand; a second one ends at once.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import urlsplit

from runtime import config, logs
from runtime.process import die_with_parent
from runtime.service import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.quantities import Address
    from runtime.settings import Settings

_LOOK: Final = 0.2
_HEALTHY_WITHIN: Final = 60.0
_STOPPED_WITHIN: Final = 60.0
_BRIDGE: Final = "EPIMETHEUS__EXPORTER__PROBER__BRIDGE"


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and where it answers once it is up.

    `environment` is added to that of this process.
    """

    name: str
    command: tuple[str, ...]
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """Everything was asked to stop while it was still coming up."""


class Failed(Exception):  # noqa: N818 - as above
    """A program ended, or never came up; `code` is the exit code that follows."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def supervise(
    programs: Sequence[Program], stop: threading.Event, out: TextIO, told: str
) -> int:
    """Run programs until the event is set or one of them ends; return the exit code.

    Writes `told` as soon as all of them answer.
    """
    started: list[tuple[Program, subprocess.Popen[bytes]]] = []
    try:
        for program in programs:
            _refuse_taken(program)
            started.append((program, _start(program)))
            _wait_until_healthy(started, stop)
        print(told, file=out, flush=True)
        while not stop.wait(_LOOK):
            _all_run(started)
    except Stopped:
        pass
    except Failed as failure:
        print(failure, file=sys.stderr, flush=True)
        return failure.code
    finally:
        _stop_in_reverse(started)
    return 0


def _refuse_taken(program: Program) -> None:
    """Raise Failed where something listens already: it would answer for the program."""
    address = urlsplit(program.url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except OSError:
        return
    raise Failed(
        f"{program.name} cannot listen at {program.url}: "
        "something else does; does it run already?",
        1,
    )


def _start(program: Program) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        program.command,
        env={**os.environ, **program.environment},
        # Apart from the terminal's group, or Ctrl-C would reach it twice.
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - one thread calls prctl only
    )


def _wait_until_healthy(
    started: Sequence[tuple[Program, subprocess.Popen[bytes]]], stop: threading.Event
) -> None:
    program, _ = started[-1]
    deadline = time.monotonic() + _HEALTHY_WITHIN
    while not _is_healthy(program):
        _all_run(started)
        if time.monotonic() > deadline:
            raise Failed(f"{program.name} does not answer at {program.url}", 1)
        if stop.wait(_LOOK):
            raise Stopped


def _is_healthy(program: Program) -> bool:
    try:
        with urllib.request.urlopen(f"{program.url}/-/healthy", timeout=5) as answer:  # noqa: S310 - the http URL of our own program
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except OSError:
        return False


def _all_run(started: Sequence[tuple[Program, subprocess.Popen[bytes]]]) -> None:
    for program, process in started:
        code = process.poll()
        if code is not None:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise Failed(
                f"{program.name} ended with {how}; its last lines say why",
                code if code > 0 else 1,
            )


def _stop_in_reverse(
    started: Sequence[tuple[Program, subprocess.Popen[bytes]]],
) -> None:
    for program, process in reversed(started):
        process.terminate()
        try:
            process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            print(f"{program.name} does not stop and is killed", file=sys.stderr)
            process.kill()
            process.wait()


def programs_of(settings: Settings, path: Path | None) -> tuple[Program, Program]:
    """Return the exporter and the bridge as they are started with a file.

    The exporter probes what the bridge says, unless the settings name another bridge.
    """
    options = ("--config", str(path)) if path else ()
    python = (sys.executable, "-m")
    return (
        Program(
            "exporter",
            (*python, "exporter", *options),
            _reachable(settings.exporter.listen),
            _as_agent(settings),
        ),
        Program(
            "bridge",
            (*python, "bridge", *options, "serve"),
            _reachable(settings.bridge.listen),
        ),
    )


def _as_agent(settings: Settings) -> dict[str, str]:
    prober = settings.exporter.prober
    # The bridge wants a key where it has keys; without one it would only be annoyed.
    has_key = prober.key is not None or prober.key_file is not None
    if prober.bridge is not None or (settings.bridge.auth == "keys" and not has_key):
        return {}
    return {_BRIDGE: _reachable(settings.bridge.listen)}


def _reachable(address: Address) -> str:
    """Return the URL of an address as this machine reaches it."""
    every = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    return type(address)(every.get(address.host, address.host), address.port).url


def directions(settings: Settings) -> str:
    """Return where to look once both programs are up."""
    exporter = _reachable(settings.exporter.listen)
    bridge = _reachable(settings.bridge.listen)
    short = bridge.removeprefix("http://")
    key = "-H 'Authorization: Bearer KEY' " if settings.bridge.auth == "keys" else ""
    lines = [
        "",
        f"exporter  {exporter}/metrics",
        f"bridge    {bridge}/",
        "",
        "The first minute is finished a little after its end. Then try:",
        "",
        f"  curl {key}'{short}/api/v1/rollups?match=node_load1&resolution=minute'",
        f"  curl {key}'{short}/api/v1/events'",
        f"  curl {key}'{short}/api/v1/status'",
    ]
    if settings.database.url.startswith("sqlite:///"):
        file = settings.database.url.removeprefix("sqlite:///")
        query = "SELECT * FROM minutes WHERE metric = 'node_load1'"
        lines.append(f'  sqlite3 {file} "{query}"')
    return "\n".join([*lines, "", "Ctrl-C stops both.", ""])


def main(arguments: Sequence[str]) -> int:
    """Run both programs; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.run")
    parser.add_argument("--config", type=Path, help="instead of ./config.yaml")
    path = parser.parse_args(arguments).config
    try:
        settings = config.load(path, os.environ)
    except config.SettingsError as error:
        print(error, file=sys.stderr)
        return config.WRONG_SETTINGS
    logs.configure(settings.log, sys.stderr)
    stop = threading.Event()
    stop_on_signals(stop)
    programs = programs_of(settings, path)
    return supervise(programs, stop, sys.stdout, directions(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
