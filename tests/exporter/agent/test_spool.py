from __future__ import annotations

import errno
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from exporter.agent.records import OVERHEAD
from exporter.agent.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 2**16
ALL = 10**9


class Kept:
    """A spool and what it gave up."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.dropped: Counter[str] = Counter()
        self.spool = Spool(folder, limit, self.drop)
        self.spool.open()

    def drop(self, reason: str, count: int) -> None:
        self.dropped[reason] += count

    def rest(self) -> list[bytes]:
        found: list[bytes] = []
        while chunk := self.spool.next(ALL, ALL):
            found.extend(chunk.payloads)
            self.spool.done(chunk)
        return found


def payload(number: int, size: int = 100) -> bytes:
    return f"{number:06d}".encode().ljust(size, b".")


def test_runs_come_out_in_order_and_leave_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for number in range(100):
        kept.spool.append(number, payload(number))
    assert kept.spool.unsent == 100
    assert kept.rest() == [payload(number) for number in range(100)]
    assert (kept.spool.unsent, kept.spool.size) == (0, 0)
    assert list(tmp_path.glob("*.runs")) == []


def test_a_chunk_is_bounded_in_runs_and_bytes_but_never_empty(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for number in range(10):
        kept.spool.append(number, payload(number))
    by_count = kept.spool.next(3, ALL)
    assert by_count is not None
    assert len(by_count.payloads) == 3
    by_size = kept.spool.next(10, 250)
    assert by_size is not None
    assert len(by_size.payloads) == 2
    one = kept.spool.next(10, 1)
    assert one is not None
    assert one.payloads == (payload(0),)


def test_what_was_given_back_comes_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.spool.append(1, b"a")
    chunk = kept.spool.next(1, ALL)
    assert chunk is not None
    kept.spool.give_back(chunk)
    assert kept.rest() == [b"a"]
    assert not kept.dropped


def test_the_oldest_are_dropped_for_the_newest(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for number in range(2000):
        kept.spool.append(number, payload(number))
        assert kept.spool.size <= LIMIT
    on_disk = sum(path.stat().st_size for path in tmp_path.glob("*.runs"))
    assert on_disk == kept.spool.size
    rest = kept.rest()
    assert rest == [payload(number) for number in range(2000 - len(rest), 2000)]
    assert len(rest) * (100 + OVERHEAD) > LIMIT * 14 // 16
    assert kept.dropped == {"spool_full": 2000 - len(rest)}


def test_what_is_on_its_way_is_dropped_only_if_it_comes_back(tmp_path: Path) -> None:
    def dropped(*, arrives: bool) -> int:
        kept = Kept(tmp_path / str(arrives))
        for number in range(20):
            kept.spool.append(number, payload(number))
        chunk = kept.spool.next(5, ALL)
        assert chunk is not None
        for number in range(20, 1000):
            kept.spool.append(number, payload(number))
        if arrives:
            kept.spool.done(chunk)
        else:
            kept.spool.give_back(chunk)
        return kept.dropped["spool_full"] + len(kept.rest())

    assert dropped(arrives=True) == 995
    assert dropped(arrives=False) == 1000


def test_a_run_larger_than_the_spool_is_dropped_alone(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.spool.append(1, b"a")
    kept.spool.append(2, b"x" * LIMIT)
    assert kept.rest() == [b"a"]
    assert kept.dropped == {"too_large": 1}


def test_a_run_larger_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    runs = [b"a", b"x" * (LIMIT // 2), b"b"]
    for each in runs:
        kept.spool.append(1, each)
    assert kept.rest() == runs


def test_what_was_sent_is_not_sent_again_after_a_restart(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    for number in range(10):
        first.spool.append(number, payload(number))
    chunk = first.spool.next(4, ALL)
    assert chunk is not None
    first.spool.done(chunk)
    first.spool.close()
    again = Kept(tmp_path)
    assert again.spool.unsent == 6
    assert again.rest() == [payload(number) for number in range(4, 10)]


def test_a_lost_note_of_what_was_sent_only_repeats(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    for number in range(10):
        first.spool.append(number, payload(number))
    chunk = first.spool.next(4, ALL)
    assert chunk is not None
    first.spool.done(chunk)
    first.spool.close()
    (tmp_path / "sent").write_bytes(b"\0" * 20)
    assert len(Kept(tmp_path).rest()) == 10


def test_another_process_is_refused_the_folder(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    with pytest.raises(OSError, match="another exporter uses this folder"):
        Spool(tmp_path, LIMIT, kept.drop).open()
    kept.spool.close()
    Kept(tmp_path)


def test_damage_within_a_segment_is_counted(tmp_path: Path) -> None:
    first = Kept(tmp_path)
    for number in range(3):
        first.spool.append(number, payload(number))
    (path,) = tmp_path.glob("*.runs")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert first.rest() == [payload(0), payload(1)]
    assert first.dropped == {"damaged": 1}
    assert list(tmp_path.glob("*.runs")) == []


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.runs").write_text("mine")
    kept = Kept(tmp_path)
    assert kept.rest() == []
    assert (tmp_path / "notes.runs").read_text() == "mine"


def test_the_age_of_the_oldest_follows_what_was_sent(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.spool.oldest_ms() is None
    kept.spool.append(5, b"a")
    kept.spool.append(9, b"b")
    assert kept.spool.oldest_ms() == 5
    chunk = kept.spool.next(1, ALL)
    assert chunk is not None
    kept.spool.done(chunk)
    assert kept.spool.oldest_ms() == 9


def test_unsynced_names_what_changed_once(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.spool.unsynced() == []
    kept.spool.append(1, b"a")
    handles = kept.spool.unsynced()
    assert len(handles) == 2  # the segment and the folder
    for handle in handles:
        os.fsync(handle)
        os.close(handle)
    assert kept.spool.unsynced() == []


def test_a_write_that_fails_midway_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path)
    kept.spool.append(1, b"a")
    write = os.write

    def full(handle: int, content: bytes) -> int:
        if len(content) > 5:
            return write(handle, content[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        kept.spool.append(2, b"b" * 60)
    monkeypatch.undo()
    kept.spool.append(3, b"c")
    assert kept.rest() == [b"a", b"c"]
    assert not kept.dropped
