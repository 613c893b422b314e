from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from exporter.prober.board import Board, BoardError
from exporter.prober.cells import BOUNDS_NS, BUCKETS, Cell, Head

WRITER = """
import sys
import numpy as np
from exporter.prober.board import Board
from exporter.prober.cells import Cell
board = Board.attach(int(sys.argv[1]))
every = np.arange(64)
for _ in range(3000):
    with board:
        board.count(every, Cell.REQUESTS)
        board.count(every, Cell.REPLIES)
"""


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_what_one_process_writes_another_reads() -> None:
    board = Board.create(4)
    slot = board.claim()
    board.answered(numbers(slot), numbers(1_500_000), numbers(61))
    code = (
        "import sys; from exporter.prober.board import Board\n"
        "from exporter.prober.cells import Cell\n"
        "row = Board.attach(int(sys.argv[1])).row(0)\n"
        "print(row[Cell.REPLIES], row[Cell.SUM_NS], row[Cell.LAST_TTL])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(board.fd)],
        pass_fds=[board.fd],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["1", "1500000", "61"]


def test_a_board_grows_and_rows_stay_where_they_are() -> None:
    board = Board.create(2)
    reader = Board.attach(board.fd)
    first = board.claim()
    board.count(numbers(first), Cell.LOST)
    slots = [board.claim() for _ in range(100)]
    board.count(numbers(slots[-1]), Cell.LATE)
    assert reader.row(first)[Cell.LOST] == 1
    assert reader.row(slots[-1])[Cell.LATE] == 1
    assert len(reader.read().rows) == 101
    assert len({first, *slots}) == 101


def test_a_slot_rests_before_it_is_claimed_again_and_begins_with_nothing() -> None:
    board = Board.create(8)
    slot = board.claim(0.0)
    board.count(numbers(slot), Cell.LOST)
    board.release(slot, 10.0)
    assert board.claim(20.0) != slot
    assert board.claim(1000.0) == slot
    assert board.row(slot)[Cell.LOST] == 0
    assert board.row(slot)[Cell.LAST_TTL] == -1


def test_a_slot_that_is_named_twice_is_counted_twice() -> None:
    board = Board.create(2)
    slot = board.claim()
    board.count(numbers(slot, slot), Cell.DUPLICATES)
    board.answered(numbers(slot, slot), numbers(10, 20), numbers(60, 61))
    row = board.row(slot)
    assert row[Cell.DUPLICATES] == 2
    assert row[Cell.REQUESTS] == row[Cell.REPLIES] == 2
    assert row[Cell.SUM_NS] == 30


@pytest.mark.parametrize(
    ("nanoseconds", "bucket"),
    [
        (0, 0),
        (BOUNDS_NS[0], 0),
        (BOUNDS_NS[0] + 1, 1),
        (BOUNDS_NS[-1], BUCKETS - 2),
        (BOUNDS_NS[-1] + 1, BUCKETS - 1),
    ],
)
def test_a_bucket_holds_what_is_at_most_its_bound(
    nanoseconds: int, bucket: int
) -> None:
    board = Board.create(1)
    slot = board.claim()
    board.answered(numbers(slot), numbers(nanoseconds), numbers(64))
    histogram = board.read().round_trips(slot)
    assert histogram.counts[bucket] == sum(histogram.counts) == 1
    assert histogram.total == nanoseconds / 1e9


def test_errors_of_the_prober_are_distributions_too() -> None:
    board = Board.create(1)
    board.observe(numbers(5_000, 15_000, 10**12), Head.STAMP)
    board.observe(numbers(1_000_000), Head.LAG)
    snapshot = board.read()
    stamps = snapshot.histogram(Head.STAMP)
    assert (stamps.counts[0], stamps.counts[1], stamps.counts[-1]) == (1, 1, 1)
    assert stamps.total == pytest.approx(1000.00002)
    assert snapshot.histogram(Head.LAG).total == 0.001


def test_a_reader_waits_for_the_end_of_a_batch() -> None:
    board = Board.create(1)
    slot = board.claim()
    before = int(board.head[Head.SEQUENCE])
    with board:
        assert board.head[Head.SEQUENCE] == before + 1
        board.count(numbers(slot), Cell.LOST)
    assert board.head[Head.SEQUENCE] == before + 2


def test_a_writer_that_was_stopped_in_the_midst_of_a_batch_does_not_stop_readers() -> (
    None
):
    board = Board.create(1)
    slot = board.claim()
    board.__enter__()
    board.count(numbers(slot), Cell.LOST)
    assert Board.attach(board.fd).row(slot)[Cell.LOST] == 1


def test_rows_that_are_read_fit_together_while_they_are_written() -> None:
    board = Board.create(64)
    for _ in range(64):
        board.claim()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(board.fd)], pass_fds=[board.fd]
    )
    reader = Board.attach(board.fd)
    last = reader.read().rows
    while writer.poll() is None:
        rows = reader.read().rows
        assert (rows[:, Cell.REQUESTS] == rows[:, Cell.REPLIES]).all()
        assert (rows >= last).all()
        last = rows
    assert writer.returncode == 0
    assert last[0, Cell.REQUESTS] > 0


def test_what_is_no_board_is_refused() -> None:
    descriptor = os.memfd_create("other")
    with pytest.raises(BoardError, match="at least"):
        Board.attach(descriptor)
    os.ftruncate(descriptor, 10_000)
    with pytest.raises(BoardError, match="not a board"):
        Board.attach(descriptor)
    os.close(descriptor)


def test_a_slot_that_was_never_claimed_has_no_row() -> None:
    board = Board.create(4)
    with pytest.raises(IndexError):
        board.row(0)
    board.close()
