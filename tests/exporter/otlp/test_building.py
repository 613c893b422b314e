"""The program pushes what `/metrics` shows at the same time, name by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from exporter.otlp.round_trips import EXPLICIT, NAME
from tests.exporter.exposition import parse
from tests.exporter.otlp.reading import parts_of, shown, told
from tests.exporter.otlp.receiving import (
    OtlpReceiver,
    attributes,
    metrics,
    points,
    resource,
)
from tests.exporter.test_composition import JOBS
from tests.exporter.test_main import ROOT, _get, _run, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exporter.exposition import Read
    from tests.exporter.test_main import Running

MOVED = {"counter", "histogram"}
"""What only rises, so that it lies between what is shown before and after."""


class Moment:
    """A message, and what `/metrics` showed before and after it."""

    def __init__(self, program: Running, server: OtlpReceiver) -> None:
        self.before = self._scrape(program)
        count = len(server.requests)
        # What comes next may have been measured before the scrape.
        server.wait_for_requests(count + 2)
        self.after = self._scrape(program)
        self.message = server.requests[count + 1].message

    def _scrape(self, program: Running) -> dict[str, Read]:
        return parse(_get(program.url))


@pytest.fixture(scope="module")
def program_moments(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Moment]:
    """What was pushed in two ways of naming."""
    return {
        names: moment(tmp_path_factory.mktemp(names), names)
        for names in ("semantic", "both")
    }


def moment(folder: Path, names: str) -> Moment:
    (folder / "config.yaml").write_text(JOBS, encoding="ascii")
    with OtlpReceiver() as server:
        settings = {
            "LISTEN": "127.0.0.1:0",
            "OTLP__ENDPOINT": server.url,
            "OTLP__INTERVAL": "300ms",
            "OTLP__NAMES": names,
            "OTLP__RESOURCE": "[service.namespace=tests]",
        }
        with running(folder, **settings) as program:
            _until_probed(server)
            found = Moment(program, server)
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(30) == 0
        return found


def _until_probed(server: OtlpReceiver) -> None:
    """Wait for a push that has round-trip times."""

    def is_there() -> bool:
        if not server.requests:
            return False
        found = metrics(server.requests[-1].message)
        return any(
            name in found and any(point.count for point in points(found[name]))
            for name in (NAME, EXPLICIT)
        )

    server.wait_for(is_there)


@pytest.mark.parametrize("names", ["semantic", "both"])
def test_every_sample_of_metrics_is_pushed(
    program_moments: dict[str, Moment], names: str
) -> None:
    found = program_moments[names]
    before, after = shown(found.before), shown(found.after)
    pushed = told(found.message)
    exponential = NAME in metrics(found.message)
    missing = []
    for name in before.keys() & after.keys():
        if name.startswith(EXPLICIT) and names == "semantic":
            assert exponential
            continue
        sums = parts_of(name) if names == "semantic" else set()
        for labels in before[name].keys() & after[name].keys():
            own = labels in pushed.get(name, {})
            if not own and not any(labels in pushed.get(s, {}) for s in sums):
                missing.append((name, labels))
    assert missing == []
    assert len(pushed) > 150


@pytest.mark.parametrize("names", ["semantic", "both"])
def test_values_are_those_of_metrics(
    program_moments: dict[str, Moment], names: str
) -> None:
    found = program_moments[names]
    before, after = shown(found.before), shown(found.after)
    moved, still = 0, []
    for name, samples in told(found.message).items():
        kind = found.before[name].kind if name in found.before else ""
        for labels, value in samples.items():
            one, other = (side.get(name, {}).get(labels) for side in (before, after))
            if one is None or other is None:
                continue
            if kind in MOVED:
                assert one <= value <= other, (name, labels)
                moved += 1
            elif one == other:
                still.append(value == one)
    assert moved > 100
    # Few are those that moved and moved back.
    assert sum(still) > 0.9 * len(still) > 100


def test_what_does_not_move_is_equal(program_moments: dict[str, Moment]) -> None:
    """These do not change while a test runs, unlike free memory."""
    found = program_moments["semantic"]
    pushed, before = told(found.message), shown(found.before)
    for name in (
        "node_memory_MemTotal_bytes",
        "node_filesystem_size_bytes",
        "node_uname_info",
        "node_boot_time_seconds",
        "node_network_mtu_bytes",
        "node_processes_max_threads",
        "epimetheus_exporter_build_info",
        "process_start_time_seconds",
        "netprobe_destination_info",
    ):
        if name in before:
            assert pushed[name] == before[name]
    assert pushed.keys() >= {"node_memory_MemTotal_bytes", "node_uname_info"}


def test_types_are_those_of_metrics(program_moments: dict[str, Moment]) -> None:
    found = program_moments["both"]
    pushed = metrics(found.message)
    for name, read in found.before.items():
        if read.kind == "histogram":
            continue
        metric = pushed[name]
        if read.kind == "counter":
            assert metric.sum.is_monotonic
            assert metric.sum.aggregation_temporality == 2
        else:
            assert metric.WhichOneof("data") == "gauge"
        assert (metric.description, metric.unit) == (read.help, "")


def test_counters_of_the_host_begin_with_it(
    program_moments: dict[str, Moment],
) -> None:
    found = program_moments["both"]
    pushed = metrics(found.message)
    (boot,) = found.before["node_boot_time_seconds"].samples.values()
    (began,) = found.before["process_start_time_seconds"].samples.values()
    for name, start in (
        ("node_cpu_seconds_total", boot),
        ("system.cpu.time", boot),
        ("epimetheus_exporter_scrapes_total", began),
    ):
        for point in points(pushed[name]):
            assert abs(point.start_time_unix_nano / 1e9 - start) < 5
            assert 0 <= time.time() - point.time_unix_nano / 1e9 < 300


def test_round_trip_times_are_exponential(program_moments: dict[str, Moment]) -> None:
    found = program_moments["semantic"]
    (point,) = points(metrics(found.message)[NAME])
    who = attributes(point.attributes)
    labels = tuple(sorted((key, str(value)) for key, value in who.items()))
    most = found.after[f"{EXPLICIT}_count"].samples[labels]
    assert 1 <= point.count == sum(point.positive.bucket_counts) <= most
    assert point.min <= point.sum / point.count <= point.max
    assert EXPLICIT not in metrics(found.message)


def test_the_resource_says_who_it_is(program_moments: dict[str, Moment]) -> None:
    found = resource(program_moments["semantic"].message)
    assert found["service.name"] == "epimetheus-exporter"
    assert found["service.namespace"] == "tests"
    assert found["host.name"] == os.uname().nodename


def test_pushing_is_a_part_of_metrics(program_moments: dict[str, Moment]) -> None:
    found = program_moments["semantic"].after
    pushes = found["epimetheus_exporter_otlp_pushes_total"].samples
    assert pushes[(("outcome", "accepted"),)] >= 2


def test_who_does_not_push_loads_nothing_of_it() -> None:
    script = """
import os, sys
from exporter import __main__ as program
from runtime.settings import Settings
settings = Settings()
push = program._push_of(settings)
registry = program.registry_of(settings.exporter)
assert program.services(settings, registry, None, None, push)
print({name.split(".")[0] for name in sys.modules} & {"opentelemetry", "google"})
"""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "set()\n"


@pytest.mark.setting("exporter.otlp.headers")
def test_the_environment_of_opentelemetry_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OtlpReceiver() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{server.url}/here")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=theirs")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "me")
        with running(tmp_path, LISTEN="127.0.0.1:0", OTLP__HEADERS="x-key=mine"):
            server.wait_for_requests(1)
        (request, *_) = server.requests
    assert request.path == "/here"
    assert request.headers["x-key"] == "mine"
    assert "content-encoding" not in request.headers
    assert resource(request.message)["service.name"] == "me"


@pytest.mark.setting("exporter.otlp.headers_file")
def test_headers_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("x-key=s3cret\n", encoding="ascii")
    (tmp_path / "headers").chmod(0o600)
    with OtlpReceiver() as server:
        settings = {
            "LISTEN": "127.0.0.1:0",
            "OTLP__ENDPOINT": server.url,
            "OTLP__INTERVAL": "100ms",
            "OTLP__HEADERS_FILE": str(tmp_path / "headers"),
        }
        with running(tmp_path, **settings) as program:
            server.wait_for_requests(1)
        assert "s3cret" not in "".join(program.said)
        assert server.requests[0].headers["x-key"] == "s3cret"


def test_stopped_it_pushes_once_more(tmp_path: Path) -> None:
    with OtlpReceiver() as server:
        settings = {"OTLP__ENDPOINT": server.url, "OTLP__INTERVAL": "1h"}
        with running(tmp_path, LISTEN="127.0.0.1:0", **settings) as program:
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(30) == 0
        assert len(server.requests) >= 1


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_wrong_variables_end_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost")
    ended = _run(tmp_path, *option)
    assert ended.code == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: is not an http(s) URL" in ended.err + ended.out
