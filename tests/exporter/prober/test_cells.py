from __future__ import annotations

from exporter.prober.cells import BOUNDS_NS, BUCKETS, WIDTH, Cell, Head


def test_the_bounds_are_those_of_smokeping_prober() -> None:
    assert (BOUNDS_NS[0], BOUNDS_NS[-1], BUCKETS) == (50_000, 26_214_400_000, 21)


def test_cells_do_not_overlap() -> None:
    assert max(Cell) == Cell.BUCKET
    assert Cell.BUCKET + BUCKETS <= WIDTH
    assert Head.LAG + BUCKETS + 1 <= Head.STAMP
    assert max(cell for cell in Head if cell < Head.LAG) < Head.LAG
