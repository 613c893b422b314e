from __future__ import annotations

from bridge.events.event import Event
from bridge.events.fingerprint import fingerprint
from bridge.events.scrape import scrape_failed_event


def failure(reason: str = "refused", time_ms: int = 1_700_000_040_123) -> Event:
    return scrape_failed_event(
        "local", "node", "127.0.0.1:9105", time_ms, reason, "the connection was refused"
    )


def test_a_failed_scrape_says_what_failed_when_and_why() -> None:
    assert failure() == Event(
        source="local",
        fingerprint=fingerprint("scrape", "node", "127.0.0.1:9105", "refused"),
        time=1_700_000_040_123,
        detector="scrape",
        category="availability",
        type="scrape_failed",
        message="Scrape of 127.0.0.1:9105 (job node) failed: the connection was "
        "refused.",
        endpoint="127.0.0.1:9105",
        metadata='{"instance":"127.0.0.1:9105","job":"node","reason":"refused"}',
    )


def test_failures_recur_by_target_and_reason() -> None:
    assert failure().fingerprint == failure(time_ms=1_700_000_055_123).fingerprint
    assert failure().fingerprint != failure(reason="timeout").fingerprint
