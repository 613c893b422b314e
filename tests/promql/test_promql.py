"""Prometheus' own scripts against the rows that the engine makes of their samples.

Every evaluation that is one function of one range, or one quantile of one histogram,
is answered from stored rows; the others are counted by the reason why they are not.
The scripts: prometheus/prometheus, promql/promqltest/testdata, Apache-2.0.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.promql import asking, expressions
from tests.promql.expressions import Range, Skip
from tests.promql.script import Clear, Eval, Load, Other, read
from tests.promql.storage import Storage, loaded, store, stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.promql.script import Command, Labels

SCRIPTS: Final = Path(__file__).parents[1] / "data" / "promql"
OTHERWISE: Final = {
    ("histograms", 1048): "Prometheus adds buckets of one bound up in a classic "
    "histogram, as rows do (line 1044), and not in the native one made of it",
}
"""Lines that are told differently elsewhere in the same script, and why."""
LONGEST: Final = 5000
"""Minutes that one load may take."""


@dataclass
class Tally:
    """What became of a script's evaluations."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """Return the tally as text, a line for each reason to skip."""
        head = f"{self.passed} passed, {len(self.failed)} failed"
        reasons = (f"  {n} skipped: {why}" for why, n in self.skipped.most_common())
        return "\n".join([head, *reasons])


def segments(commands: Sequence[Command]) -> Iterator[tuple[list[Load], list[Eval]]]:
    """Yield what is loaded at a time and what is asked of it."""
    loads: list[Load] = []
    asked: list[Eval] = []
    for command in commands:
        if isinstance(command, Eval):
            asked.append(command)
            continue
        if isinstance(command, Other):
            continue
        if asked:
            yield list(loads), asked
            asked = []
        if isinstance(command, Clear):
            loads = []
        else:
            loads.append(command)
    if asked:
        yield loads, asked


def answerable(asked: Sequence[Eval], tally: Tally) -> list[tuple[Eval, Range]]:
    """Return what rows can answer, and count the rest."""
    found = []
    for one in asked:
        if one.fails:
            tally.skipped["an error of the query language"] += 1
            continue
        try:
            found.append((one, expressions.read(one.expr)))
        except Skip as skip:
            tally.skipped[str(skip)] += 1
    return found


def wanted(one: Eval) -> dict[Labels, float]:
    """Return what must come of an evaluation."""
    if any(value.startswith("{{") for _, value in one.elements):
        raise Skip("the answer is a histogram")
    return {labels: float(value) for labels, value in one.elements}


def close(found: float, told: float) -> bool:
    """Whether two values are the same to what additions in another order leave."""
    if math.isnan(told):
        return math.isnan(found)
    return found == told or math.isclose(found, told, rel_tol=1e-9, abs_tol=1e-12)


def play(path: Path, directory: Path) -> Tally:
    """Load all of a script and ask all that can be asked."""
    commands = read(path.read_text())
    tally = Tally()
    tally.skipped["range queries and errors of the query language"] += sum(
        isinstance(command, Other) for command in commands
    )
    for number, (loads, asked) in enumerate(segments(commands)):
        chosen = answerable(asked, tally)
        series = loaded(loads)
        groups: dict[int, list[tuple[Eval, Range]]] = {}
        for one, wish in chosen:
            factor = stretch(expressions.times_of([(one.at_ms, wish)]))
            groups.setdefault(factor, []).append((one, wish))
        for factor, wishes in groups.items():
            until = max(one.at_ms for one, _ in wishes)
            if until * factor > LONGEST * 60_000:
                tally.skipped["too many minutes for one test"] += len(wishes)
                continue
            place = directory / f"{path.stem}-{number}-{factor}"
            place.mkdir()
            storage = store(series, factor, until, place)
            for one, wish in wishes:
                if why := OTHERWISE.get((path.stem, one.line)):
                    tally.skipped[why] += 1
                else:
                    judge(storage, one, wish, tally)
            storage.db.close()
    return tally


def judge(storage: Storage, one: Eval, wish: Range, tally: Tally) -> None:
    """Compare the answer to one evaluation with what the script wants."""
    try:
        told = wanted(one)
        found = asking.ask(storage, wish, one.at_ms)
    except Skip as skip:
        tally.skipped[str(skip)] += 1
        return
    same = found.keys() == told.keys() and all(
        close(found[labels], told[labels]) for labels in told
    )
    if same:
        tally.passed += 1
    else:
        tally.failed.append(f"line {one.line}: {one.expr}: {found}, not {told}")


@pytest.mark.parametrize(
    ("script", "at_least"), [("functions", 83), ("histograms", 56), ("staleness", 7)]
)
def test_rows_answer_what_prometheus_own_scripts_ask(
    script: str,
    at_least: int,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    tally = play(SCRIPTS / f"{script}.test", tmp_path)
    record_property("evaluations:", tally.told())
    assert tally.failed == []
    assert tally.passed >= at_least
