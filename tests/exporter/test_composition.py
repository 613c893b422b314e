"""The program with a job in its file: probed, counted, ended in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.exporter.exposition import parse
from tests.exporter.test_main import _get, _run, running

if TYPE_CHECKING:
    from pathlib import Path

JOBS = """
probes:
  destinations:
    - {name: here, host: 127.0.0.1}
  jobs:
    - {name: pings, interval: 1s, splay: 0s, destinations: [here]}
"""
WHO = (("destination", "here"), ("job_name", "pings"), ("probe", "icmp"))


def test_jobs_of_the_file_are_run_and_told_in_metrics(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(JOBS, encoding="ascii")
    with running(tmp_path, LISTEN="127.0.0.1:0") as program:
        found = parse(_get(program.url))
        deadline = time.monotonic() + 30
        while "netprobe_success" not in found:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            found = parse(_get(program.url))
        assert found["netprobe_success"].samples[WHO] == 1
        assert found["netprobe_icmp_rtt_seconds_count"].samples[WHO] >= 1
        (child,) = psutil.Process(program.process.pid).children()
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(30) == 0
        assert not child.is_running()


def test_a_host_without_jobs_has_no_prober(tmp_path: Path) -> None:
    with running(tmp_path, LISTEN="127.0.0.1:0") as program:
        found = parse(_get(program.url))
        assert "epimetheus_prober_up" not in found
        assert psutil.Process(program.process.pid).children() == []


@pytest.mark.parametrize("options", [("--once",), ("--check",)])
def test_once_and_check_probe_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "config.yaml").write_text(JOBS, encoding="ascii")
    ended = _run(tmp_path, *options)
    assert (ended.code, ended.err) == (0, "")
    assert "netprobe_" not in ended.out


def test_check_covers_what_is_probed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        JOBS.replace("[here]", "[there]"), encoding="ascii"
    )
    ended = _run(tmp_path, "--check")
    assert (ended.code, ended.out) == (
        2,
        "probes.jobs[0].destinations: there is no destination 'there'\n",
    )


def test_a_host_that_only_measures_itself_loads_nothing_for_more() -> None:
    program = "import exporter.__main__, sys; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"exporter.agent.agent", "urllib3", "numpy", "dns", "httpcore", "icmplib"}
    assert heavy.isdisjoint(ended.stdout.split())
