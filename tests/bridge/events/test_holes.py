from __future__ import annotations

import pytest

from bridge.events.event import Event
from bridge.events.fingerprint import fingerprint
from bridge.events.holes import HOLES, UNREACHABLE, hole_event, unreachable_event
from bridge.rollup.windows import Resolution, Window
from tests.bridge.events.builders import MINUTE

DAY = MINUTE - MINUTE % 86400


@pytest.mark.rule(69)
def test_a_lost_window_says_which_and_why() -> None:
    reason = "the source recorded nothing in this window"
    assert hole_event("main", Window(MINUTE), "lost", reason) == Event(
        source="main",
        fingerprint=fingerprint("holes", "minute", "lost"),
        time=MINUTE * 1000,
        detector=HOLES,
        category="coverage",
        type="window_lost",
        message="The minute 2023-11-14 22:14 UTC of source main is lost: the source "
        "recorded nothing in this window.",
        metadata='{"reason":"the source recorded nothing in this window",'
        '"resolution":"minute","state":"lost"}',
    )


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (
            Window(DAY + 3600, Resolution.HOUR),
            "The hour 2023-11-14 01:00 UTC of source main is partial.",
        ),
        (
            Window(DAY, Resolution.DAY),
            "The day 2023-11-14 UTC of source main is partial.",
        ),
    ],
)
def test_wider_windows_are_named_as_widely(window: Window, message: str) -> None:
    assert hole_event("main", window, "partial", "").message == message


def test_holes_recur_by_resolution_and_state_and_not_by_time_or_reason() -> None:
    lost = hole_event("main", Window(MINUTE), "lost", "40 s without samples")
    later = hole_event("main", Window(MINUTE + 60), "lost", "20 s without samples")
    partial = hole_event("main", Window(MINUTE), "partial", "")
    assert lost.fingerprint == later.fingerprint != partial.fingerprint


def test_a_silent_source_says_when_and_why() -> None:
    event = unreachable_event("main", MINUTE, "refused", "Connection refused")
    assert event == Event(
        source="main",
        fingerprint=fingerprint("unreachable", "refused"),
        time=MINUTE * 1000,
        detector=UNREACHABLE,
        category="availability",
        type="source_unreachable",
        message="Source main did not answer (refused): Connection refused.",
        metadata='{"reason":"refused"}',
    )


def test_a_window_done_again_does_not_forget_that_its_source_was_silent() -> None:
    assert unreachable_event("main", MINUTE, "timeout", "").detector != HOLES
