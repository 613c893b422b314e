"""`/compat`: which names of well-known dashboards are served here, and why not all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import msgspec

from exporter.compat.reading import as_json, of_lists
from exporter.compat.verdict import judge_of
from exporter.negotiation import prefers_json
from exporter.pages.answer import Answer
from exporter.pages.compat_html import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from wsgiref.types import WSGIEnvironment

    from exporter.collectors.base import Family
    from exporter.compat.reading import Reading
    from exporter.registry import Registry
    from runtime.clock import Clock

FRESH: Final = 5.0
"""Seconds for which what was measured answers further requests."""


class CompatPage:
    """Shows what becomes of the names that dashboards of grafana.com ask for.

    `more` tell what is served beside the collectors. Whoever asks, and how often, the
    machine is measured once in FRESH seconds.
    """

    def __init__(
        self,
        registry: Registry,
        more: Sequence[Callable[[], Iterable[Family]]],
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._more = more
        self._clock = clock
        self._one = threading.Lock()
        self._read: list[Reading] = []
        self._until = 0.0

    def __call__(self, environ: WSGIEnvironment) -> Answer:
        """Show the lists, as a page or as JSON."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        readings = self._readings()
        headers = (
            ("Vary", "Accept"),
            ("Cache-Control", "no-store"),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'",
            ),
        )
        if query.get("format", [""])[-1] == "json" or prefers_json(
            environ.get("HTTP_ACCEPT")
        ):
            body = msgspec.json.encode({"dashboards": [as_json(r) for r in readings]})
            kind = ("Content-Type", "application/json; charset=utf-8")
            return Answer("200 OK", body, (kind, *headers))
        kind = ("Content-Type", "text/html; charset=utf-8")
        return Answer("200 OK", page(readings).encode(), (kind, *headers))

    def _readings(self) -> list[Reading]:
        with self._one:
            if not self._read or self._clock.monotonic() >= self._until:
                self._read = of_lists(judge_of(self._registry, self._more))
                self._until = self._clock.monotonic() + FRESH
            return self._read
