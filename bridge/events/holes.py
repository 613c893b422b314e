"""The events of the bridge's own gaps: windows without samples, silent sources."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bridge.events.event import AVAILABILITY, COVERAGE, Event, as_metadata
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence
from bridge.rollup.windows import Resolution, Window

HOLES: Final = "holes"
"""Recorder of partial and lost windows; doing a window again decides anew."""

UNREACHABLE: Final = "unreachable"
"""Recorder of sources that did not answer, which stays true whatever comes later."""

_TIMES: Final = {
    Resolution.MINUTE: "%Y-%m-%d %H:%M UTC",
    Resolution.HOUR: "%Y-%m-%d %H:%M UTC",
    Resolution.DAY: "%Y-%m-%d UTC",
}


def hole_event(source: str, window: Window, state: str, reason: str) -> Event:
    """Return the event of a window that is `partial` or `lost`, and why."""
    width = window.resolution.value
    when = datetime.fromtimestamp(window.start, UTC).strftime(_TIMES[window.resolution])
    why = f": {reason}" if reason else ""
    return Event(
        source=source,
        fingerprint=fingerprint(HOLES, width, state),
        time=window.start_ms,
        detector=HOLES,
        category=COVERAGE,
        type=f"window_{state}",
        message=sentence(f"The {width} {when} of source {source} is {state}{why}"),
        metadata=as_metadata(reason=reason, resolution=width, state=state),
    )


def unreachable_event(source: str, start: int, reason: str, message: str) -> Event:
    """Return the event of a source that did not answer in the minute from `start` on.

    `start` is UTC seconds, `reason` the word of a SourceError, which tells kinds of
    failure apart, and `message` explains it.
    """
    return Event(
        source=source,
        fingerprint=fingerprint(UNREACHABLE, reason),
        time=start * 1000,
        detector=UNREACHABLE,
        category=AVAILABILITY,
        type="source_unreachable",
        message=sentence(f"Source {source} did not answer ({reason}): {message}"),
        metadata=as_metadata(reason=reason),
    )
