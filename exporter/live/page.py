"""`/live` as it is asked for over HTTP, and the page that draws it."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from exporter.connections import TAKE
from exporter.live.live import TooMany, Topic, headers
from exporter.pages.answer import Answer, plain
from exporter.pages.guard import unauthorized
from exporter.registry import UnknownCollector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from wsgiref.types import WSGIEnvironment

    from exporter.live.live import Live
    from exporter.pages.answer import Page
    from exporter.pages.guard import Guard
    from exporter.registry import Registry

_INTERVALS: Final = ("1", "2", "3", "4", "5")
_DEFAULT: Final = "2"
_PARAMETERS: Final = ("interval", "collect[]", "exclude[]")
_RETRY_AFTER_SECONDS: Final = 5
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS: Final = {
    "live.html": "text/html; charset=utf-8",
    "live.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "live_charts.js": "text/javascript; charset=utf-8",
}


class BadWish(ValueError):  # noqa: N818 - what it is about
    """A request that means nothing; the message says why."""


class LivePage:
    """Answers `/live`: the page to who wants HTML, else the stream."""

    def __init__(self, live: Live, registry: Registry, guard: Guard) -> None:
        self._live = live
        self._registry = registry
        self._guard = guard
        self._shown = _static("live.html")

    def __call__(self, environ: WSGIEnvironment) -> Answer:
        """Answer a GET or HEAD; the page holds no figures and is shown to everybody."""
        if "text/html" in environ.get("HTTP_ACCEPT", "").lower():
            return self._shown(environ)
        if not self._guard.admits(environ):
            return unauthorized()
        try:
            topic = self._topic(environ.get("QUERY_STRING", ""))
        except (BadWish, UnknownCollector) as error:
            return plain("400 Bad Request", f"{error}.")
        if environ["REQUEST_METHOD"] == "HEAD":
            return Answer("200 OK", b"", headers())
        try:
            last = environ.get("HTTP_LAST_EVENT_ID", "")
            self._live.join(topic, last, environ[TAKE])
        except TooMany:
            return plain(
                "503 Service Unavailable",
                f"{self._live.most} clients watch already; try again later.",
                ("Retry-After", str(_RETRY_AFTER_SECONDS)),
            )
        return Answer("200 OK", b"", headers())

    def _topic(self, query: str) -> Topic:
        asked = parse_qs(query, keep_blank_values=True)
        unknown = [name for name in asked if name not in _PARAMETERS]
        if unknown:
            known = ", ".join(_PARAMETERS)
            raise BadWish(f"{unknown[0]!r} is no parameter here; known are {known}")
        interval = asked.get("interval", [_DEFAULT])
        if len(interval) > 1 or interval[0].removesuffix("s") not in _INTERVALS:
            raise BadWish("interval is a whole number of seconds from 1 to 5")
        names = self._registry.choose(
            asked.get("collect[]", ()), asked.get("exclude[]", ())
        )
        return Topic(int(interval[0].removesuffix("s")), names)


def static_pages() -> Mapping[str, Page]:
    """Return the page and its files by their paths."""
    return {f"/{name}": _static(name) for name in _KINDS}


def _static(name: str) -> Page:
    found: list[Answer] = []

    def answer(environ: WSGIEnvironment) -> Answer:
        del environ
        # Read when it is first asked for: most hosts are never looked at.
        if not found:
            body = files("exporter.live").joinpath("static", name).read_bytes()
            kept = (
                ("Content-Type", _KINDS[name]),
                ("Content-Security-Policy", _POLICY),
                ("Cache-Control", "no-cache"),
                ("Vary", "Accept"),
            )
            found.append(Answer("200 OK", body, kept))
        return found[0]

    return answer
