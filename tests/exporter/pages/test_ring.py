from __future__ import annotations

from exporter.pages.ring import Ring
from runtime.probing.wire import Result, Run


def _result(name: str, reason: str = "") -> Result:
    return Result(
        destination=name, probe="tcp", kind="tcp", began_ms=0, seconds=1, reason=reason
    )


def _names(ring: Ring) -> list[str]:
    return [kept.result.destination for kept in ring.newest()]


def test_failures_outlive_successes() -> None:
    ring = Ring(2)
    ring.add(_result("a", "timeout"))
    for name in "bcd":
        ring.add(_result(name))
    assert _names(ring) == ["d", "c", "a"]


def test_jobs_do_not_push_out_what_was_asked_for() -> None:
    ring = Ring(2)
    ring.add(_result("asked"))
    results = tuple(_result(name) for name in "abc")
    ring.add_run(
        Run(
            job="busy",
            scheduled_ms=0,
            began_ms=0,
            ended_ms=0,
            state="completed",
            results=results,
        )
    )
    assert _names(ring) == ["c", "b", "asked"]
    assert [kept.job for kept in ring.newest()] == ["busy", "busy", ""]
    assert [kept.number for kept in ring.newest()] == [4, 3, 1]
