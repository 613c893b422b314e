"""The exporter's pages as a WSGI application: metrics, health, a page for people."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote

import structlog

from exporter.negotiation import choose_format
from exporter.pages.answer import Answer, exposition, plain
from exporter.pages.guard import Guard, unauthorized
from exporter.registry import Registry, UnknownCollector
from exporter.render import openmetrics_renderer, text_renderer
from exporter.telemetry import Telemetry, version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

    from exporter.collectors.base import Family
    from exporter.pages.answer import Page

log = structlog.get_logger(__name__)

_RETRY_AFTER_SECONDS: Final = 1

_SHARE_OF_TIMEOUT: Final = 0.9
"""Of the scraper's own timeout; the rest is for the answer to arrive."""


class App:
    """Answers scrapes from a registry, at most `max_scrapes` at the same time.

    With a token, whoever does not send it sees nothing but the health page. `pages` are
    further ones by their path, and `open_pages` those that everybody may ask for;
    `more` are asked for families at every scrape, whatever collectors it chose, and
    must answer at once.
    """

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        *,
        token: str | None,
        max_scrapes: int,
        gzip_level: int,
        pages: Mapping[str, Page] | None = None,
        open_pages: Mapping[str, Page] | None = None,
        more: Sequence[Callable[[], Iterable[Family]]] = (),
    ) -> None:
        self._registry = registry
        self._telemetry = telemetry
        self._guard = Guard(token)
        self._max_scrapes = max_scrapes
        self._gzip_level = gzip_level
        self._renderers = {
            "text": text_renderer(),
            "openmetrics": openmetrics_renderer(),
        }
        self._more = more
        self._pages: dict[str, Page] = {
            "/": self._index,
            "/metrics": self._metrics,
            "/-/healthy": self._healthy,
            **{path: self._guarded(page) for path, page in (pages or {}).items()},
            **(open_pages or {}),
        }

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 says."""
        status, body, headers = self._answer(environ)
        length = ("Content-Length", str(len(body)))
        start_response(
            status, [*headers, length, ("X-Content-Type-Options", "nosniff")]
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        page = self._pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            *most, last = sorted(self._pages, reverse=True)
            text = f"There is {', '.join(most)} and {last}."
            return plain("404 Not Found", text)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return plain("405 Method Not Allowed", "Use GET.", ("Allow", "GET, HEAD"))
        return page(environ)

    def _guarded(self, page: Page) -> Page:
        def answer(environ: WSGIEnvironment) -> Answer:
            return page(environ) if self._guard.admits(environ) else unauthorized()

        return answer

    def _healthy(self, environ: WSGIEnvironment) -> Answer:
        del environ
        return plain("200 OK", "Healthy.")

    def _index(self, environ: WSGIEnvironment) -> Answer:
        if not self._guard.admits(environ):
            return unauthorized()
        collectors = "".join(
            f'<li><a href="metrics?collect[]={quote(name)}">{html.escape(name)}</a>'
            for name in self._registry.names
        )
        probes = ' · <a href="probes">Probes</a>' if "/probes" in self._pages else ""
        live = ' · <a href="live.html">Live</a>' if "/live.html" in self._pages else ""
        compat = ' · <a href="compat">Dashboards</a>'
        more = probes + live + (compat if "/compat" in self._pages else "")
        body = _PAGE.format(
            version=html.escape(version()), collectors=collectors, more=more
        )
        kind = ("Content-Type", "text/html; charset=utf-8")
        return Answer("200 OK", body.encode(), (kind,))

    def _metrics(self, environ: WSGIEnvironment) -> Answer:
        count = self._telemetry.count
        if not self._guard.admits(environ):
            count("unauthorized")
            return unauthorized()
        if not self._telemetry.begin(self._max_scrapes):
            count("busy")
            return plain(
                "503 Service Unavailable",
                f"{self._max_scrapes} scrapes are in flight; try again later.",
                ("Retry-After", str(_RETRY_AFTER_SECONDS)),
            )
        try:
            answer = self._scrape(environ)
        except UnknownCollector as error:
            count("bad_request")
            return plain("400 Bad Request", f"{error}.")
        except Exception:
            log.exception("scrape failed")
            count("failed")
            return plain("500 Internal Server Error", "The scrape failed; see the log.")
        finally:
            self._telemetry.end()
        count("answered")
        return answer

    def everything(self) -> list[Family]:
        """Return all that `/metrics` shows, as of now."""
        return self._found(self._registry.names)

    def _found(
        self, names: Iterable[str], deadline: float | None = None
    ) -> list[Family]:
        return [
            *self._registry.scrape(names, deadline).families,
            *self._telemetry.families(),
            *(family for families in self._more for family in families()),
        ]

    def _scrape(self, environ: WSGIEnvironment) -> Answer:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        names = self._registry.choose(
            query.get("collect[]", ()), query.get("exclude[]", ())
        )
        found = self._found(names, _deadline(environ))
        wanted = choose_format(environ.get("HTTP_ACCEPT"))
        body = self._renderers[wanted.name].render(found)
        return exposition(body, wanted, environ, self._gzip_level)


def _deadline(environ: WSGIEnvironment) -> float | None:
    try:
        timeout = float(environ["HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"])
    except (KeyError, ValueError):
        return None
    usable = math.isfinite(timeout) and timeout > 0
    return timeout * _SHARE_OF_TIMEOUT if usable else None


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Epimetheus exporter</title>
<style>body {{ font: 1rem/1.5 system-ui; margin: 2rem auto; max-width: 40rem }}</style>
<h1>Epimetheus exporter</h1>
<p>Version {version}.
<p><a href="metrics">Metrics</a> · <a href="-/healthy">Health</a>{more}
<h2>Collectors</h2>
<ul>{collectors}</ul>
</html>
"""
