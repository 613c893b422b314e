from __future__ import annotations

import errno
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.agent.backlog import Backlog
from exporter.agent.spool import Spool
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

ALL = 10**9


class Kept:
    """A backlog with little memory, and what it gave up."""

    def __init__(self, folder: Path) -> None:
        self.dropped: Counter[str] = Counter()
        self.clock = FakeClock(1000.0)
        self.spool = Spool(folder, 2**16, self.drop)
        self.backlog = Backlog(self.spool, self.clock, self.drop, memory=1000)
        self.backlog.open()

    def drop(self, reason: str, count: int) -> None:
        self.dropped[reason] += count

    def rest(self) -> list[bytes]:
        found: list[bytes] = []
        while chunk := self.backlog.next(ALL, ALL):
            found.extend(chunk.payloads)
            self.backlog.done(chunk)
        return found


def blocked(folder: Path) -> Path:
    """Return a folder that cannot be: a file is in its place, also for root."""
    folder.write_text("")
    return folder


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def write(handle: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    return monkeypatch


def test_without_a_disk_runs_are_kept_in_memory_and_it_is_told_once(
    tmp_path: Path,
) -> None:
    with capture_logs() as logs:
        kept = Kept(blocked(tmp_path / "spool"))
        for number in range(5):
            kept.backlog.add(b"%d" % number)
            kept.clock.advance(20)
    assert [entry["event"] for entry in logs] == [
        "unsent results are kept in memory only"
    ]
    assert logs[0]["error"] in {"file exists", "not a directory"}
    assert not kept.backlog.on_disk
    assert kept.backlog.figures() == (5, 5, 100.0)
    assert kept.rest() == [b"0", b"1", b"2", b"3", b"4"]
    assert not kept.dropped


def test_a_full_disk_is_told_and_used_again_when_there_is_room(
    tmp_path: Path, full: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    with capture_logs() as logs:
        kept.backlog.add(b"a")
        kept.backlog.add(b"b")
        assert kept.backlog.figures()[0] == 2
        full.undo()
        kept.backlog.add(b"c")
        assert not kept.backlog.on_disk  # it is not tried at every run
        kept.clock.advance(10)
        kept.backlog.add(b"d")
    assert kept.backlog.on_disk
    assert [entry["event"] for entry in logs] == [  # type: ignore[unreachable]  # a property that changes
        "unsent results are kept in memory only",
        "unsent results are written to disk again",
    ]
    assert logs[0]["error"] == "no space left on device"
    assert kept.spool.unsent == 4
    assert kept.rest() == [b"a", b"b", b"c", b"d"]


def test_memory_is_bounded_and_the_oldest_go_first(
    tmp_path: Path, full: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    for number in range(15):
        kept.backlog.add(b"%02d" % number + b"." * 98)
    assert kept.dropped == {"memory_full": 5}
    assert [payload[:2] for payload in kept.rest()] == [
        b"%02d" % number for number in range(5, 15)
    ]


def test_what_is_on_disk_goes_before_what_is_in_memory(
    tmp_path: Path, full: pytest.MonkeyPatch
) -> None:
    full.undo()
    kept = Kept(tmp_path)
    kept.backlog.add(b"disk")
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda *_: _fail())
        kept.backlog.add(b"memory")
        assert kept.rest() == [b"disk", b"memory"]


def _fail() -> int:
    raise OSError(errno.EROFS, "Read-only file system")


def test_what_is_given_back_in_memory_keeps_its_order_and_the_bound(
    tmp_path: Path,
) -> None:
    kept = Kept(blocked(tmp_path / "spool"))
    for number in range(10):
        kept.backlog.add(b"%02d" % number + b"." * 98)
    chunk = kept.backlog.next(3, ALL)
    assert chunk is not None
    kept.backlog.add(b"10" + b"." * 98)
    kept.backlog.give_back(chunk)
    assert kept.dropped == {"memory_full": 1}
    assert [payload[:2] for payload in kept.rest()] == [
        b"%02d" % number for number in range(1, 11)
    ]


def test_a_chunk_in_memory_is_bounded_too(tmp_path: Path) -> None:
    kept = Kept(blocked(tmp_path / "spool"))
    for number in range(4):
        kept.backlog.add(b"%d" % number * 10)
    chunk = kept.backlog.next(ALL, 25)
    assert chunk is not None
    assert len(chunk.payloads) == 2


def test_closing_puts_memory_to_disk_where_that_works(
    tmp_path: Path, full: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    kept.backlog.add(b"a")
    full.undo()
    kept.backlog.close()
    assert kept.backlog.next(ALL, ALL) is None
    again = Kept(tmp_path)
    assert again.rest() == [b"a"]
    assert not kept.dropped


def test_closing_tells_what_is_lost(tmp_path: Path) -> None:
    kept = Kept(blocked(tmp_path / "spool"))
    kept.backlog.add(b"a")
    kept.backlog.close()
    assert kept.dropped == {"memory_lost": 1}


def test_a_segment_that_cannot_be_read_is_given_up_and_told(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.backlog.add(b"a")
    (path,) = tmp_path.glob("*.runs")
    path.unlink()
    with capture_logs() as logs:
        assert kept.rest() == []
    assert kept.dropped == {"damaged": 1}
    assert logs[0]["error"] == "no such file or directory"
    kept.clock.advance(10)
    kept.backlog.add(b"b")
    assert kept.rest() == [b"b"]


def test_syncing_a_disk_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    kept.backlog.add(b"a")
    kept.backlog.sync()
    kept.backlog.add(b"b")
    monkeypatch.setattr(os, "fsync", lambda _: _fail())
    kept.backlog.sync()
    assert not kept.backlog.on_disk
    assert kept.rest() == [b"a", b"b"]


def test_runs_of_before_are_told_at_the_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.backlog.add(b"a")
    kept.clock.advance(5)
    assert kept.backlog.figures()[2] == 5.0
    kept.backlog.close()
    with capture_logs() as logs:
        again = Kept(tmp_path)
    assert logs == [
        {"event": "runs of before are unsent", "log_level": "info", "runs": 1}
    ]
    assert again.rest() == [b"a"]


def test_what_was_sent_from_a_disk_that_is_read_only_now_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    kept.backlog.add(b"a")
    kept.backlog.add(b"b")
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda *_: _fail())
        patched.setattr(type(tmp_path), "unlink", lambda *_, **__: _fail())
        first = kept.backlog.next(1, ALL)
        assert first is not None
        kept.backlog.done(first)
        assert not kept.backlog.on_disk
        assert kept.rest() == [b"b"]
        assert kept.backlog.figures()[0] == 0
    assert not kept.dropped


def test_without_room_and_with_a_disk_that_deletes_nothing_memory_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    for number in range(30):
        kept.backlog.add(b"%02d" % number + b"." * 2150)
    assert not kept.dropped
    assert kept.spool.size > 2**16 - 600
    monkeypatch.setattr(type(tmp_path), "unlink", lambda *_, **__: _fail())
    for number in range(30, 36):
        kept.backlog.add(b"%02d" % number + b"." * 98)
        kept.clock.advance(20)
    assert not kept.dropped["spool_full"]
    assert kept.backlog.figures()[0] == 36
