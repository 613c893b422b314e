from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from runtime import service


class Part:
    def __init__(
        self, name: str, seen: list[str], *, start: bool = True, stop: bool = True
    ) -> None:
        self.name = name
        self.seen = seen
        self.starts = start
        self.stops = stop

    def start(self) -> None:
        if not self.starts:
            raise RuntimeError(f"{self.name} does not start")
        self.seen.append(f"start {self.name}")

    def stop(self) -> None:
        self.seen.append(f"stop {self.name}")
        if not self.stops:
            raise RuntimeError(f"{self.name} does not stop")


@pytest.fixture
def stop() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_services_start_in_order_and_stop_in_reverse(stop: threading.Event) -> None:
    seen: list[str] = []
    service.run([Part(name, seen) for name in "abc"], stop)
    assert seen == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]


def test_when_one_does_not_start_those_before_it_are_stopped(
    stop: threading.Event,
) -> None:
    seen: list[str] = []
    parts = [Part("a", seen), Part("b", seen), Part("c", seen, start=False)]
    with pytest.raises(RuntimeError, match="c does not start"):
        service.run(parts, stop)
    assert seen == ["start a", "start b", "stop b", "stop a"]


def test_one_that_does_not_stop_keeps_no_other_from_stopping(
    stop: threading.Event,
) -> None:
    seen: list[str] = []
    parts = [Part("a", seen), Part("b", seen, stop=False), Part("c", seen)]
    with pytest.raises(ExceptionGroup) as caught:
        service.run(parts, stop)
    assert [str(error) for error in caught.value.exceptions] == ["b does not stop"]
    assert seen[3:] == ["stop c", "stop b", "stop a"]


def test_services_run_until_the_event_is_set() -> None:
    stop, started = threading.Event(), threading.Event()
    seen: list[str] = []

    class Last(Part):
        def start(self) -> None:
            super().start()
            started.set()

    thread = threading.Thread(target=service.run, args=([Last("a", seen)], stop))
    thread.start()
    assert started.wait(10)
    assert thread.is_alive()
    stop.set()
    thread.join(10)
    assert seen == ["start a", "stop a"]


PROGRAM = """
import sys, threading
from runtime.logs import configure
from runtime.service import run, stop_on_signals
from runtime.settings import Log

class Part:
    def start(self):
        print("started", flush=True)
    def stop(self):
        print("finishing", flush=True)
        sys.stdin.readline()
        print("stopped", flush=True)

configure(Log(), sys.stderr)
stop = threading.Event()
stop_on_signals(stop)
run([Part()], stop)
"""


def program() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_services_finish(number: signal.Signals) -> None:
    with program() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        assert process.stdout.readline() == "finishing\n"
        output, _ = process.communicate("go on\n")
    assert output == "stopped\n"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_program_at_once(number: signal.Signals) -> None:
    with program() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        assert process.stdout.readline() == "finishing\n"
        process.send_signal(number)
        assert process.wait(10) == -number


UNHEARD = """
import signal, threading, time
from runtime.service import stop_on_signals

stop = threading.Event()
stop_on_signals(stop)
waiting = threading.Event()

def send():
    waiting.wait()
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=send, daemon=True).start()
waiting.set()
stop.wait()
print("stopped", flush=True)
"""


def test_a_signal_is_heard_while_the_main_thread_waits() -> None:
    # Another thread gets it, so that nothing interrupts the wait.
    found = subprocess.run(
        [sys.executable, "-c", UNHEARD],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "stopped"
