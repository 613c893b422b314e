from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collectors.proc_stat import (
    numbers_in,
    parse_stat,
    read_line,
    state_in,
    stats_of,
)

REST = b"S 1 7 7 0 -1 4194560 9 9 9 9 36 98 5 6 20 0 3 0 29 1096 2507 18446744 1 1"


def test_the_fields_are_those_of_the_manual() -> None:
    stat = parse_stat(b"7 (worker) " + REST)
    assert stat == (7, "worker", "S", False, 36, 98, 3, 29, 2507)


@given(st.binary(max_size=40))
def test_a_name_may_hold_anything(name: bytes) -> None:
    line = b"7 (" + name + b") " + REST
    assert parse_stat(line).name == name.decode("utf-8", "replace")
    assert parse_stat(line)[2:] == parse_stat(b"7 (x) " + REST)[2:]
    assert state_in(line) == "S"


def test_kernel_threads_are_told_by_their_flags() -> None:
    line = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 2 0 0 20 0 1 0 1 0 0 1"
    assert parse_stat(line).is_kernel


@pytest.mark.parametrize("line", [b"", b"7 (cut", b"7 (cut) S 1 7"])
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="no line of a process"):
        parse_stat(line)


def test_this_process_is_among_those_that_run() -> None:
    (own,) = [stat for stat in stats_of("/proc") if stat.pid == os.getpid()]
    assert own.name == Path("/proc/self/comm").read_text().rstrip("\n")
    assert own.rss > 0
    assert own.threads >= 1


def test_what_has_vanished_has_no_line(tmp_path: Path) -> None:
    assert read_line(str(tmp_path / "stat")) == b""
    for name in ("12", "self", "3x"):
        (tmp_path / name).mkdir()
    assert numbers_in(str(tmp_path)) == ["12"]
    assert list(stats_of(str(tmp_path))) == []


def test_one_that_ends_between_open_and_read_has_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(handle: int, size: int) -> bytes:
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "read", gone)
    assert read_line("/proc/self/stat") == b""
