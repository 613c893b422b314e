"""Finds failed requests in counters that tell HTTP statuses apart by a label."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bridge.events.event import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Event,
    Seen,
    as_metadata,
    occurrences,
)
from bridge.events.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTS_REQUESTS: Final = re.compile(r"(^|_)(total|count|requests|responses)$")
_MEASURES_REQUESTS: Final = re.compile(
    r"(^|_)(bytes|bits|seconds|(milli|micro|nano)seconds)_total$"
)
_STATUS: Final = re.compile(r"[1-5]([0-9]{2}|[xX]{2})")
_PHRASES: Final = {str(status.value): status.phrase for status in HTTPStatus}
_CATEGORIES: Final = {"4": CLIENT_ERROR, "5": SERVER_ERROR}
_METHOD_LABELS: Final = (
    "method",
    "http_method",
    "http_request_method",
    "request_method",
    "verb",
)
_CLIENT_LABELS: Final = ("client", "client_ip", "client_address", "remote_addr")


@dataclass(frozen=True, slots=True)
class Statuses:
    """One event per series and window that counted answers of 4xx or 5xx.

    Only series that count requests are asked: counters (`_total`, `_requests`,
    `_responses`), histograms, and the `_count` of summaries. Neither `_sum` of these
    nor counters of bytes and seconds are, because they would count something else.
    Where a program keeps two such metrics of the same requests, each is an event of its
    own and names its metric.

    The first of `status_labels` that holds a status (`404`) or a class of them
    (`4xx`) decides. Occurrences are the counter's increase, rounded.
    """

    status_labels: Sequence[str]
    endpoint_labels: Sequence[str]

    @property
    def name(self) -> str:
        """What its events say recorded them."""
        return "statuses"

    def wants(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether the series may count requests that failed."""
        return (
            _MEASURES_REQUESTS.search(metric) is None
            and self._status(labels)[:1] in _CATEGORIES
        )

    def detect(self, seen: Seen) -> Event | None:
        """Return the failed requests of a window, if its counter rose."""
        counts = seen.is_histogram or _COUNTS_REQUESTS.search(seen.metric) is not None
        failed = occurrences(seen.increase) if counts else 0
        if not failed:
            return None
        status = self._status(seen.labels)
        method = _first_of(_METHOD_LABELS, seen.labels)
        endpoint = _first_of(self.endpoint_labels, seen.labels)
        return Event(
            source=seen.source,
            fingerprint=fingerprint(self.name, seen.metric, seen.labels),
            time=seen.time,
            detector=self.name,
            category=_CATEGORIES[status[:1]],
            type=f"http_{status}",
            message=_message(failed, method, endpoint, status, seen.metric),
            occurrences=failed,
            status=int(status) if status.isdigit() else None,
            endpoint=endpoint,
            client=_first_of(_CLIENT_LABELS, seen.labels),
            workspace=seen.workspace,
            environment=seen.environment,
            metadata=as_metadata(
                labels=dict(seen.labels), method=method, metric=seen.metric
            ),
        )

    def _status(self, labels: Mapping[str, str]) -> str:
        """Return the status or class of statuses that labels tell, else nothing."""
        for label in self.status_labels:
            value = labels.get(label, "")
            if _STATUS.fullmatch(value):
                return value.lower()
        return ""


def _first_of(names: Sequence[str], labels: Mapping[str, str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _message(failed: int, method: str, endpoint: str, status: str, metric: str) -> str:
    kind = f"{method} " if method else ""
    requests = "request" if failed == 1 else "requests"
    where = f" to {endpoint}" if endpoint else ""
    was = "was" if failed == 1 else "were"
    return (
        f"{failed} {kind}{requests}{where} {was} answered {_spoken(status)} ({metric})."
    )


def _spoken(status: str) -> str:
    return f"{status} {_PHRASES.get(status, '')}".rstrip()
