"""The prober's own process, on loopback: asked, given work, killed, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from exporter.prober.child import COMMAND
from exporter.prober.messages import Health, Latest, Row, Slots
from exporter.prober.prober import Prober, ProberGone
from exporter.probes.base import Target
from runtime.clock import SystemClock
from runtime.probing import wire
from runtime.probing.jobs import BUILT_IN, Probes
from runtime.probing.planning import plan_of
from runtime.probing.rules import Rules
from runtime.settings import Exporter, Log
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runtime.probing.wire import Run

ROOT = Path(__file__).parents[3]
TCP, ICMP = BUILT_IN["tcp"], BUILT_IN["icmp"]
HERE = {"name": "here", "host": "127.0.0.1"}
PING = {"name": "ping", "interval": "1s", "destinations": ["here"], "splay": "0s"}


def made(command: Sequence[str] = COMMAND, **settings: Any) -> Prober:
    exporter = Exporter.model_validate({"prober": settings})
    return Prober(
        exporter, Log(level="error"), SystemClock(), "agent-1", command=command
    )


@contextmanager
def running(prober: Prober) -> Iterator[Prober]:
    prober.start()
    try:
        yield prober
    finally:
        prober.stop()


def until(there: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := there():
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


def pid(prober: Prober) -> int:
    life = until(lambda: prober._child._life)
    return int(life.process.pid)


def work(prober: Prober, *jobs: dict[str, Any], **more: Any) -> None:
    destinations = more.pop("destinations", [HERE])
    prober.work(
        plan_of(
            Probes.model_validate(
                {"destinations": destinations, "jobs": jobs or (PING,), **more}
            )
        )
    )


def test_it_is_not_started_before_there_is_something_to_do() -> None:
    with running(made()) as prober:
        assert prober.families() == []
        assert prober._child.is_started is False


def test_questions_are_answered_by_a_process_that_starts_with_the_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, running(made()) as prober:
        port = server.getsockname()[1]
        good = prober.ask(TCP, Target("here", f"127.0.0.1:{port}"), 5.0)
        assert (good.destination, good.reason) == ("here", "")
        refused = prober.ask(TCP, Target("here", "127.0.0.1:1"), 5.0)
        assert refused.reason == "refused"
        guarded = prober.ask(TCP, Target("here", "127.0.0.1:1"), 5.0, Rules())
        assert guarded.reason == "not_allowed"
        assert pid(prober) != os.getpid()


def test_questions_of_many_threads_get_their_own_answers() -> None:
    with running(made()) as prober:
        found: dict[str, str] = {}

        def ask(host: str) -> None:
            found[host] = prober.ask(ICMP, Target(host, host), 5.0).destination

        hosts = [f"127.0.0.{n}" for n in range(1, 17)]
        threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {host: host for host in hosts}


def test_jobs_run_and_are_told_and_counted() -> None:
    prober = made()
    runs: list[Run] = []
    prober.on_run(runs.append)
    work(prober)
    with running(prober):
        until(lambda: len(runs) >= 2)
        found = until(lambda: _counted(prober))
        assert found["netprobe_success"] == {("ping", "here", "icmp"): 1}
        assert found["epimetheus_prober_up"] == {(): 1}
        assert prober.destinations["here"].host == "127.0.0.1"
        work(prober, {**PING, "name": "other"})
        until(lambda: ("other", "here", "icmp") in _succeeded(prober))
        assert len(_succeeded(prober)) == 1
    first, second = runs[:2]
    assert second.scheduled_ms - first.scheduled_ms == 1000
    assert first.scheduled_ms % 1000 == 0
    assert (first.state, first.succeeded) == ("completed", 1)
    assert first.results[0].kind == "icmp"


def _succeeded(prober: Prober) -> dict[tuple[str, ...], float]:
    return values(prober.families())["netprobe_success"]


def _counted(prober: Prober) -> dict[str, Any]:
    found = values(prober.families())
    return found if found.get("netprobe_success") else {}


def test_runs_that_nobody_wants_are_counted_all_the_same() -> None:
    prober = made()
    work(prober)
    with running(prober):
        found = until(lambda: _counted(prober))
        assert found["netprobe_icmp_replies_total"][("ping", "here", "icmp")] >= 1


def test_what_goes_on_at_the_end_is_told_as_aborted() -> None:
    prober = made()
    runs: list[Run] = []
    prober.on_run(runs.append)
    slow = {"name": "slow", "kind": "tcp", "exchanges": [{"expect": "never"}]}
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = {"name": "here", "host": f"127.0.0.1:{server.getsockname()[1]}"}
        job = {**PING, "probes": ["slow"]}
        work(prober, job, modules=[slow], destinations=[host])
        with running(prober):
            connection, _ = server.accept()
        connection.close()
        assert [run.state for run in runs] == ["aborted"]


def test_a_process_that_is_killed_is_told_and_started_again() -> None:
    prober = made()
    with running(prober):
        work(prober)
        first = pid(prober)
        assert until(lambda: _counted(prober))
        os.kill(first, signal.SIGKILL)
        found = until(lambda: _restarted(prober))
        assert found["epimetheus_prober_up"] == {(): 0}
        assert "netprobe_success" not in found or not found["netprobe_success"]
        assert until(lambda: _counted(prober))
        assert pid(prober) != first


def _restarted(prober: Prober) -> dict[str, Any]:
    found = values(prober.families())
    return found if found["epimetheus_prober_restarts_total"] == {(): 1} else {}


def test_who_waits_for_a_process_that_is_killed_hears_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, running(made()) as prober:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        waiting = TCP.model_copy(update={"tls": True})
        heard: list[str] = []

        def ask() -> None:
            try:
                prober.ask(waiting, Target("here", host), 60.0)
            except ProberGone as gone:
                heard.append(str(gone))

        thread = threading.Thread(target=ask)
        thread.start()
        with server.accept()[0]:
            os.kill(pid(prober), signal.SIGKILL)
            thread.join(30)
        assert heard == ["the prober ended meanwhile"]


@pytest.mark.setting("exporter.prober.enabled")
def test_a_host_that_must_not_probe_does_not() -> None:
    prober = made(enabled=False)
    work(prober)
    with running(prober):
        assert prober._child.is_started is False
        with pytest.raises(ProberGone, match="enabled is false"):
            prober.ask(TCP, Target("here", "127.0.0.1:1"), 1.0)
        assert prober.families() == []


def test_tests_of_a_plan_are_done_once_even_by_a_process_that_is_started_anew() -> None:
    prober = made()
    done: list[wire.TestResult] = []
    prober.on_test(done.append)
    test = wire.Test(id=5, destination="", host="127.0.0.1:1", probe=TCP)
    with running(prober):
        prober.work(wire.Plan(version="1", tests=(test,)))
        until(lambda: done)
        first = pid(prober)
        os.kill(first, signal.SIGKILL)
        until(lambda: prober._child._life and pid(prober) != first)
        until(lambda: prober._health)
        prober.work(wire.Plan(version="2", tests=(test,)))
        assert prober.ask(ICMP, Target("here", "127.0.0.1"), 5.0).succeeded
    assert [(one.id, one.result.reason) for one in done] == [(5, "refused")]


def test_a_program_that_is_no_prober_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporter.prober.prober._START", 0.2)
    prober = made(command=(sys.executable, "-c", "pass"))
    with running(prober):
        with pytest.raises(ProberGone, match="does not start"):
            prober.ask(TCP, Target("here", "127.0.0.1:1"), 1.0)
        until(lambda: prober._restarts)


def test_it_ends_with_the_exporter(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, time
            from tests.exporter.prober.test_prober import made, pid, work
            prober = made()
            work(prober)
            prober.start()
            print(pid(prober), flush=True)
            time.sleep(600)
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(20)


def test_without_rights_echoes_say_so_and_all_else_goes_on() -> None:
    setpriv = shutil.which("setpriv")
    assert setpriv is not None
    prober = made(
        command=(setpriv, "--bounding-set", "-net_raw", *COMMAND), sockets="raw"
    )
    runs: list[Run] = []
    prober.on_run(runs.append)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = {"name": "here", "host": f"127.0.0.1:{server.getsockname()[1]}"}
        work(prober, {**PING, "probes": ["icmp", "tcp"]}, destinations=[host])
        with running(prober):
            until(lambda: runs)
            found = until(lambda: _counted(prober))
    reasons = {result.kind: result.reason for result in runs[0].results}
    assert reasons == {"icmp": "no_permission", "tcp": ""}
    (refused,) = [one for one in runs[0].results if one.kind == "icmp"]
    assert "CAP_NET_RAW" in refused.message
    results = found["netprobe_results_total"]
    assert results["ping", "here", "icmp", "no_permission"] >= 1
    assert found["epimetheus_prober_sockets"] == {}


def test_nothing_is_kept_of_what_the_plan_has_no_more() -> None:
    prober = made()

    def told(row: int, name: str) -> Latest:
        result = wire.Result(
            destination=name, probe="tcp", kind="tcp", began_ms=0, seconds=0.0
        )
        return Latest(row, result)

    rows = tuple(Row(n, "job", name, "tcp", "tcp") for n, name in ((0, "a"), (1, "b")))
    prober.heard(Slots("1", rows))
    prober.heard(Health(addresses={"a": "192.0.2.1", "b": "192.0.2.2"}))
    prober.heard(told(0, "a"))
    prober.heard(told(1, "b"))
    prober.heard(Slots("2", rows[:1]))
    # Its run went on.
    prober.heard(told(1, "b"))
    assert [result.destination for result in prober.latest] == ["a"]
    assert prober._addresses == {"a": "192.0.2.1"}
