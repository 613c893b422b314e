"""`/probes`: the last results with their logs, as a page for people or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec

from exporter.negotiation import prefers_json
from exporter.pages import catalogue
from exporter.pages.answer import Answer
from exporter.pages.probes_html import page
from exporter.pages.questions import is_from_here
from exporter.pages.ring import SCHEDULED, Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import WSGIEnvironment

    from exporter.pages.catalogue import Planned
    from exporter.pages.ring import Ring
    from runtime.probing.wire import Plan, Result

_ANY: Final = ("", "all")


class Working(Protocol):
    """What works on a plan, and knows what came of it: the prober."""

    @property
    def plan(self) -> Plan:
        """The plan that is worked on."""

    @property
    def latest(self) -> Sequence[Result]:
        """The newest result of each probe of each destination."""


class ProbesPage:
    """Shows what is in the ring, and what of it failed with `?only=failures`.

    `module` and `destination` narrow it down further. `configured` is what this host's
    settings plan. With `everyone`, no token is needed to come here; then only requests
    from this host see what destinations said.
    """

    def __init__(
        self,
        prober: Working,
        configured: Planned,
        ring: Ring,
        *,
        any_module: bool,
        everyone: bool,
    ) -> None:
        self._prober = prober
        self._configured = configured
        self._ring = ring
        self._any_module = any_module
        self._everyone = everyone

    def __call__(self, environ: WSGIEnvironment) -> Answer:
        """Show the results that a request wants to see, newest first."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        asked = {name: values[-1] for name, values in query.items()}
        kept = [one for one in self._newest() if _is_wanted(one, asked)]
        if self._everyone and not is_from_here(environ):
            kept = [_without_words(one) for one in kept]
        if asked.get("format") == "json" or prefers_json(environ.get("HTTP_ACCEPT")):
            body = msgspec.json.encode({"results": [_as_json(one) for one in kept]})
            return _answer("application/json", body)
        planned = (self._prober.plan, self._configured)
        text = page(
            kept,
            asked,
            modules=sorted(catalogue.modules(*planned, any_module=self._any_module)),
            destinations=[
                one.name for plan in planned for one in plan.destinations if one.enabled
            ],
        )
        return _answer("text/html", text.encode())

    def _newest(self) -> list[Kept]:
        """Return what is in the ring, and what jobs found last beside it."""
        kept = self._ring.newest()
        known = {_identity(one.result) for one in kept}
        kept += [
            Kept(0, SCHEDULED, result)
            for result in self._prober.latest
            if _identity(result) not in known
        ]
        return sorted(kept, key=lambda one: -one.result.began_ms)


def _without_words(kept: Kept) -> Kept:
    result = msgspec.structs.replace(kept.result, message="", facts={}, log=())
    return kept._replace(result=result)


def _identity(result: Result) -> tuple[str, str, int]:
    return result.destination, result.probe, result.began_ms


def _answer(kind: str, body: bytes) -> Answer:
    headers = (
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Vary", "Accept"),
        ("Cache-Control", "no-store"),
        # Nothing of this page runs, wherever a probed server's words end up in it.
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    )
    return Answer("200 OK", body, headers)


def _is_wanted(kept: Kept, asked: dict[str, str]) -> bool:
    result = kept.result
    return (
        (asked.get("only") != "failures" or not result.succeeded)
        and asked.get("module", "") in (*_ANY, result.probe)
        and asked.get("destination", "") in (*_ANY, result.destination)
    )


def _as_json(kept: Kept) -> dict[str, Any]:
    return {"id": kept.number, "job": kept.job, **msgspec.to_builtins(kept.result)}
