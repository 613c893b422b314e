from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.prober.findings import HISTORIES, Findings
from runtime.probing.wire import Result

if TYPE_CHECKING:
    from exporter.prober.findings import History


def result(reason: str = "") -> Result:
    return Result(
        destination="x",
        probe="tcp",
        kind="tcp",
        began_ms=0,
        seconds=0.0,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("history", "kept"),
    [("all", ["", "timeout"]), ("failures", ["timeout"]), ("none", [])],
)
def test_results_are_kept_as_far_as_they_are_wanted(
    history: History, kept: list[str]
) -> None:
    found = Findings(history)
    found.add(0, result())
    found.add(1, result("timeout"))
    assert [one.reason for one in found.results] == kept
    assert (found.tried, found.failed) == ({0, 1}, {1})


def test_a_place_is_left_out_if_all_of_its_probes_are() -> None:
    found = Findings("all")
    found.skip(0)
    found.skip(1)
    found.add(1, result())
    found.succeed([2])
    assert found.left_out == 1
    assert found.tried == {1, 2}


def test_a_run_fails_if_everything_that_was_tried_does() -> None:
    found = Findings("none")
    assert found.state == "completed"
    found.skip(0)
    found.add(1, result("timeout"))
    assert found.state == "failed"
    found.add(2, result())
    assert found.state == "completed"


def test_the_less_is_kept_the_earlier_it_stands() -> None:
    assert min("all", "failures", key=HISTORIES.index) == "failures"
    assert min("all", "none", key=HISTORIES.index) == "none"
