from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.rollup.overflow import Overflow
from bridge.rollup.windows import Window
from models.queries.series import overflow_ids
from tests.bridge.rollup.test_folding import crowd
from tests.bridge.rollup.world import BEGIN

if TYPE_CHECKING:
    from pathlib import Path


def test_minutes_with_folded_rows_are_found(tmp_path: Path) -> None:
    world = crowd(tmp_path, 0)
    world.run_to(120)
    overflow = Overflow(world.db, "list")
    later = Window(BEGIN + 240)
    assert not overflow.has_rows(later, 300_000)
    world.source.limit = 1  # type: ignore[attr-defined]  # a crowded source
    world.feed("g", [(150_000, 1.0)])
    world.run_to(240)
    assert not overflow.has_rows(later, 300_000)  # it has not heard of them
    overflow.forget()
    assert overflow.has_rows(later, 300_000)
    assert not overflow.has_rows(later, 60_000)
    assert not overflow.has_rows(Window(BEGIN + 120), 300_000)
    world.db.close()


@pytest.mark.parametrize("limit", [0, 3])
def test_overflow_series_are_found_by_their_label(tmp_path: Path, limit: int) -> None:
    world = crowd(tmp_path, limit)
    world.run_to(60)
    assert len(overflow_ids(world.db, "list")) == bool(limit)
    assert len(overflow_ids(world.db, "other")) == 0
    world.db.close()
