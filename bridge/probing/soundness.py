"""Whether a run, as an agent tells of it, can be kept: times, numbers and words."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from bridge.probing.sound_facts import wrong_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.probing.wire import Result, Run

AHEAD: Final = 300_000
"""Milliseconds by which an agent's clock may be ahead of ours."""
LONGEST_TEXT: Final = 4096
LARGEST_NUMBER: Final = 2**62

_STATES: Final = ("aborted", "completed", "failed")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WORD: Final = re.compile(r"[a-z_]{0,40}")
_HEX: Final = re.compile(r"[0-9a-f]{0,64}")
_SHOWN: Final = 64
_LARGEST_COUNT: Final = 2**31
_MOST_REQUESTS: Final = 10_000
"""Of a result: each is a time, or the lack of one, wherever it is read."""
_MOST_MARKS: Final = 16
_MOST_PHASES: Final = 32
_LONGEST_RUN: Final = 366 * 86400.0
_COUNTS: Final = ("destinations", "succeeded", "failed", "skipped", "left_alone")
_PATTERNS: Final = {
    "destination": _NAME,
    "probe": _NAME,
    "kind": _WORD,
    "reason": _WORD,
    "route": _HEX,
    "certificate": _HEX,
}


def is_name(text: str) -> bool:
    """Return whether a text is a name of jobs, destinations or agents."""
    return _NAME.fullmatch(text) is not None


def wrong_run(run: Run, now_ms: int) -> str:
    """Return why a run cannot be kept, with the key it is about; '' if it can."""
    return next(_wrong_of_run(run, now_ms), "")


def wrong_result(result: Result, now_ms: int) -> str:
    """Return why a result cannot be kept, with the key it is about; '' if it can."""
    return next(_wrong_of_result(result, now_ms), "")


def _wrong_of_run(run: Run, now_ms: int) -> Iterator[str]:
    if not is_name(run.job):
        yield f"job: {run.job[:_SHOWN]!r} is not a name"
    if run.state not in _STATES:
        yield f"state: {run.state[:_SHOWN]!r} is none of {', '.join(_STATES)}"
    for key in ("scheduled_ms", "began_ms", "ended_ms"):
        yield from _wrong_time(key, getattr(run, key), now_ms)
    for key in _COUNTS:
        yield from _wrong_count(key, getattr(run, key))
    yield from _wrong_text("error", run.error)
    yield from _wrong_marks(run.marks)
    for place, result in enumerate(run.results):
        for wrong in _wrong_of_result(result, now_ms):
            yield f"results[{place}].{wrong}"


def _wrong_of_result(result: Result, now_ms: int) -> Iterator[str]:
    for key, pattern in _PATTERNS.items():
        text: str = getattr(result, key)
        if not pattern.fullmatch(text):
            yield f"{key}: {text[:_SHOWN]!r} is nothing that is known"
    yield from _wrong_time("began_ms", result.began_ms, now_ms)
    yield from _wrong_requests(result)
    yield from _wrong_text("message", result.message)
    yield from _wrong_text("address", result.address)
    yield from _wrong_marks(result.marks)
    if len(result.phases) > _MOST_PHASES:
        yield f"phases: there are more than {_MOST_PHASES}"
    yield from wrong_facts(result.facts)
    for time in (result.seconds, *result.rtts, *result.phases.values()):
        if time is not None and not (math.isfinite(time) and 0 <= time < _LONGEST_RUN):
            yield f"seconds, rtts or phases: {time} is not a duration"


def _wrong_time(key: str, at: int, now_ms: int) -> Iterator[str]:
    if at <= 0:
        yield f"{key}: {at} is no time in UTC milliseconds"
    elif at > now_ms + AHEAD:
        yield (
            f"{key}: is {(at - now_ms) // 1000} s ahead of the bridge; set the clock "
            "of the agent, or of the bridge"
        )


def _wrong_count(key: str, count: int) -> Iterator[str]:
    if not 0 <= count < _LARGEST_COUNT:
        yield f"{key}: {count} is out of range"


def _wrong_requests(result: Result) -> Iterator[str]:
    if not 0 <= result.sent <= _MOST_REQUESTS:
        yield f"sent: {result.sent} is out of range"
    if not 0 <= result.received <= result.sent:
        yield f"received: {result.received} is out of range, {result.sent} were sent"
    if len(result.rtts) > _MOST_REQUESTS:
        yield f"rtts: are {len(result.rtts)}, more than {_MOST_REQUESTS}"


def _wrong_text(key: str, text: str) -> Iterator[str]:
    if len(text) > LONGEST_TEXT:
        yield f"{key}: is longer than {LONGEST_TEXT} letters"


def _wrong_marks(marks: tuple[str, ...]) -> Iterator[str]:
    if len(marks) > _MOST_MARKS:
        yield f"marks: there are more than {_MOST_MARKS}"
    if not all(map(_WORD.fullmatch, marks)):
        yield f"marks: {', '.join(marks)[:_SHOWN]!r} is nothing that is known"
