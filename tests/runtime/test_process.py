from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

import pytest

from runtime.process import die_with_parent

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own service")

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.readline()
"""
CHILD = """
import os, sys, time
from runtime.process import die_with_parent
die_with_parent(os.getppid())
print("ready", flush=True)
sys.stdout.close()
time.sleep(60)
"""


@linux
def test_a_child_ends_when_its_parent_is_killed() -> None:
    reader, writer = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=writer,
    )
    os.close(writer)
    with parent, os.fdopen(reader, "rb") as until_all_ended:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        parent.kill()
        # The pipe's other end is open as long as the grandchild lives.
        assert until_all_ended.read() == b""


@linux
def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    code = "from runtime.process import die_with_parent\ndie_with_parent(1 << 30)\n"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGTERM


@linux
def test_a_refusal_of_the_kernel_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, name: str | None, *, use_errno: bool) -> None:
            assert (name, use_errno) == (None, True)

        def prctl(self, option: int, *arguments: int) -> int:
            assert (option, *arguments) == (1, signal.SIGTERM, 0, 0, 0)
            ctypes.set_errno(22)
            return -1

    monkeypatch.setattr("ctypes.CDLL", Refusing)
    with pytest.raises(OSError, match="Invalid argument"):
        die_with_parent()


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        pytest.fail("libc was asked")

    monkeypatch.setattr("ctypes.CDLL", forbidden)
    monkeypatch.setattr("sys.platform", "darwin")
    die_with_parent()
