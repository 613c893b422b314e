"""Finds firing alerts in the `ALERTS` series that Prometheus writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.events.event import ALERT, Event, Seen, as_metadata
from bridge.events.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Alerts:
    """One event per alert and window in which it fired, however often it was evaluated.

    A long alert is a run of events with one fingerprint, one per minute: grouped by
    fingerprint, the first and last time say when it fired and the number of events
    for how many minutes. Nothing has to be remembered between windows for that, and a
    window done again changes nothing but itself. The type is the alert's name.
    """

    @property
    def name(self) -> str:
        """What its events say recorded them."""
        return "alerts"

    def wants(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether the series is an alert in the state of firing."""
        return metric == "ALERTS" and labels.get("alertstate") == "firing"

    def detect(self, seen: Seen) -> Event | None:
        """Return the alert of a window; its samples are 1 as long as it fires."""
        if not seen.max:
            return None
        labels = {k: v for k, v in seen.labels.items() if k != "alertstate"}
        alert = labels.get("alertname", "")
        severity = labels.get("severity", "")
        return Event(
            source=seen.source,
            fingerprint=fingerprint(self.name, labels),
            time=seen.time,
            detector=self.name,
            category=ALERT,
            type=alert or "unnamed_alert",
            message=_message(alert, severity, labels.get("instance", "")),
            workspace=seen.workspace,
            environment=seen.environment,
            metadata=as_metadata(alert=alert, labels=labels, severity=severity),
        )


def _message(alert: str, severity: str, instance: str) -> str:
    name = f"Alert {alert}" if alert else "An unnamed alert"
    grade = f" (severity {severity})" if severity else ""
    place = f" for {instance}" if instance else ""
    return f"{name}{grade} was firing{place}."
