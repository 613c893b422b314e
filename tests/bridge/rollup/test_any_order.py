"""Whatever comes in whatever order, and is done in whatever parts: the same bytes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import open_database
from models.queries import ledger
from tests.bridge.rollup.chronicle import BEGIN, Chronicle, Step
from tests.bridge.rollup.killing import Reaper
from tests.bridge.rollup.lives import ROLLUPS, SOURCE, Dump, Play, bare, dump_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MINUTES = 80
"""Until 19:05 UTC, so that there are whole hours and a day of Kathmandu in them."""
TABLES = (*ROLLUPS[:2], "rollup_local_day", "layouts")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)


@pytest.fixture(scope="module")
def chronicle() -> Chronicle:
    return Chronicle(3, MINUTES)


@pytest.fixture(scope="module")
def expected(chronicle: Chronicle, tmp_path_factory: pytest.TempPathFactory) -> Dump:
    """The rows where all comes in time and is done at once."""
    found = rows_after(tmp_path_factory.mktemp("in-time"), chronicle.in_time())
    assert all(found.values())
    return found


def rows_after(
    directory: Path, steps: Sequence[Step], catch_up: int = 30, again: int = 0
) -> Dump:
    """Do steps, then all minutes again so many times; return what the tables say."""
    play = Play(
        f"sqlite:///{directory}/lived.db", Reaper(random.Random(0), every=0), catch_up
    )
    play.run(steps)
    for number in range(again):
        mark_all(play.url)
        at = steps[-1].at + number
        play.run([Step(at, beat=True), Step(at, beat=True)])
    play.end()
    found = dump_of(play.url)
    return {name: found[name] for name in TABLES}


def mark_all(url: str) -> None:
    """Ask for all minutes to be done again."""
    db = open_database(url)
    starts = range(BEGIN, BEGIN + MINUTES * 60, 60)
    ledger.mark(db, SOURCE, "minute", starts, "dirty", "asked for", BEGIN)
    db.close()


@pytest.mark.rule(16)
@pytest.mark.rule(47)
@given(seed=st.integers(0, 2**32), catch_up=st.sampled_from([1, 3, 30]))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_r16_any_order_of_arrival_and_of_work_gives_the_same_bytes(
    chronicle: Chronicle,
    expected: Dump,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    catch_up: int,
) -> None:
    """A tenth of what comes comes twice, and a fifth of it late."""
    directory = tmp_path_factory.mktemp("anyhow")
    assert rows_after(directory, chronicle.anyhow(seed), catch_up) == expected


@pytest.mark.rule(71)
@pytest.mark.parametrize(("catch_up", "again"), [(1, 1), (30, 3)])
def test_r71_any_number_of_replays_gives_the_same_bytes(
    chronicle: Chronicle, expected: Dump, tmp_path: Path, catch_up: int, again: int
) -> None:
    assert rows_after(tmp_path, chronicle.in_time(), catch_up, again) == expected
