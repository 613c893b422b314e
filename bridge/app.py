"""The web application: its parts, its doors and what every answer carries."""

from __future__ import annotations

import ipaddress
from http import HTTPMethod
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, current_app, g, request
from flask_openapi3.openapi import OpenAPI

from bridge.api import (
    agents,
    batches,
    compare,
    corrections,
    coverage,
    destinations,
    document,
    entries,
    events,
    explain,
    health,
    job_histories,
    jobs,
    labels,
    maintenance,
    metrics,
    modules,
    probe_tests,
    probing,
    problems,
    restatements,
    results,
    retention,
    rollups,
    runs,
    series,
    snapshot,
    standings,
    status,
    verify,
)
from bridge.api.params import refuse_repeated
from bridge.api.parts import Parts, extension, parts
from bridge.auth import (
    ANYBODY,
    ForbiddenError,
    Keys,
    Open,
    authorize,
    declared,
    key_in,
)
from bridge.probing.planner import Planner
from bridge.web import views as web

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from bridge.answers.explain import Asks
    from bridge.telemetry import Telemetry
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings

_LARGEST_BODY: Final = 1 << 20
_METHODS: Final = frozenset(HTTPMethod)
_NOUNS: Final = (
    series,
    labels,
    rollups,
    compare,
    snapshot,
    events,
    coverage,
    retention,
    restatements,
    verify,
    explain,
    corrections,
    status,
    destinations,
    jobs,
    modules,
    maintenance,
    agents,
    batches,
    results,
    runs,
    standings,
    job_histories,
    probe_tests,
    probing,
)
_PLAIN: Final = (health, metrics, document, web)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class UndeclaredViewError(Exception):
    """A view declares neither a scope nor that it is open; the message names it."""


def create_app(
    settings: Settings,
    db: Database,
    telemetry: Telemetry,
    clock: Clock,
    registry: CollectorRegistry,
    *,
    asks: Asks | None = None,
) -> OpenAPI:
    """Build the application; nothing connects before the first request.

    `registry` is what `/metrics` shows, `asks` gives sources for questions that need
    raw samples. Raises UndeclaredViewError.
    """
    app = OpenAPI(
        __name__,
        info=document.INFO,
        security_schemes={**document.SECURITY},
        validation_error_status=400,
        validation_error_model=problems.Problem,
        validation_error_callback=problems.validation_problem,
        doc_ui=False,
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    planner = Planner(db, clock)
    here = Parts(settings, db, telemetry, clock, registry, clock.now(), planner, asks)
    app.extensions.update(extension(here))
    for noun in _NOUNS:
        app.register_api(noun.blueprint)
    for module in _PLAIN:
        app.register_blueprint(module.blueprint)
    problems.install(app)
    entries.install(app)
    app.before_request(_begin)
    app.before_request(_admit)
    app.before_request(refuse_repeated)
    app.after_request(_finish)
    _refuse_undeclared(app)
    return app


def _refuse_undeclared(app: Flask) -> None:
    closed = [name for name, view in app.view_functions.items() if not declared(view)]
    if closed:
        raise UndeclaredViewError(
            f"no scope is declared by {', '.join(sorted(closed))}"
        )


def _begin() -> None:
    g.began = parts().clock.monotonic()
    g.caller = ANYBODY


def _admit() -> None:
    """Let the request through, or raise why not (DESIGN.md 7: closed by default)."""
    if request.endpoint is None:
        return
    scope = declared(current_app.view_functions[request.endpoint])
    if isinstance(scope, Open):
        return
    here = parts()
    if here.settings.bridge.auth == "none":
        _refuse_other_hosts(request.host)
    else:
        headers = request.headers
        key = key_in(headers.get("Authorization"), headers.get("X-API-Key"))
        g.caller = Keys(here.db, here.clock).authenticate(key)
    authorize(g.caller, scope)


def _refuse_other_hosts(host: str) -> None:
    """Refuse a name that is not this machine's, where no key protects it.

    A page from elsewhere could otherwise point a name of its own at a loopback address
    and read everything through the browser of whoever visits it (DNS rebinding).
    """
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    name = name.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return
    try:
        if ipaddress.ip_address(name).is_loopback:
            return
    except ValueError:
        pass
    raise ForbiddenError(
        f"without keys only this machine is answered, by a loopback address and not as "
        f"{name!r}: set bridge.auth to keys, or let the proxy send `Host: localhost`"
    )


def _finish(response: Response) -> Response:
    here = parts()
    route = "unmatched" if request.url_rule is None else request.url_rule.rule
    method = request.method if request.method in _METHODS else "other"
    here.telemetry.http_requests.labels(route, method, response.status_code).inc()
    if "began" in g:
        taken = here.clock.monotonic() - g.began
        here.telemetry.http_seconds.labels(route).observe(taken)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
