"""How raw samples come from a server: as JSON or by remote read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

import structlog

from bridge.sources.base import SourceError
from bridge.sources.payload import decode_matrix
from bridge.sources.remote_read import Decode, RemoteRead

if TYPE_CHECKING:
    from bridge.sources.api import Api
    from bridge.sources.selectors import Selector
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

Choice: TypeAlias = Literal["http", "remote_read", "auto"]
_LATER: Final = frozenset({"refused", "timeout", "truncated"})
"""Reasons that say nothing of what a server offers."""


class Transport(Protocol):
    """Fetches raw samples; every method may raise SourceError."""

    def begin(self, start_ms: int, end_ms: int) -> None:
        """Get ready for a window."""

    def fetch(self, selector: Selector, start_ms: int, end_ms: int) -> Decode:
        """Fetch the samples of `[start_ms, end_ms)`, on any thread, to be decoded."""

    def end(self) -> None:
        """Hear that the window has been read whole."""


class Http:
    """Instant queries of range selectors; see `Transport`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def begin(self, start_ms: int, end_ms: int) -> None:
        """Nothing to get ready."""

    def fetch(self, selector: Selector, start_ms: int, end_ms: int) -> Decode:
        """Fetch the samples of `[start_ms, end_ms)`, on any thread, to be decoded."""
        return partial(decode_matrix, self._api.raw(selector, start_ms, end_ms))

    def end(self) -> None:
        """Nothing to hear."""


class Auto:
    """Remote read for every window where it is as good as the HTTP API, else that.

    A server that does not offer it is asked again after `refresh` seconds; see
    `Transport`.
    """

    def __init__(self, api: Api, *, name: str, refresh: float, clock: Clock) -> None:
        self._http = Http(api)
        self._remote = RemoteRead(api, sure=True)
        self._name = name
        self._refresh = refresh
        self._clock = clock
        self._again = float("-inf")
        self._told = ""
        self._chosen: Transport = self._http

    def begin(self, start_ms: int, end_ms: int) -> None:
        """Choose for a window, all of which comes the same way."""
        self._chosen = self._http
        if self._clock.monotonic() < self._again:
            return
        try:
            self._remote.begin(start_ms, end_ms)
        except SourceError as error:
            if error.reason in _LATER:
                raise
            self._tell(str(error))
        else:
            self._chosen = self._remote
            self._told = ""

    def fetch(self, selector: Selector, start_ms: int, end_ms: int) -> Decode:
        """Fetch the samples of `[start_ms, end_ms)`, on any thread, to be decoded."""
        return self._chosen.fetch(selector, start_ms, end_ms)

    def end(self) -> None:
        """Hear that the window has been read whole."""
        self._chosen.end()

    def _tell(self, why: str) -> None:
        self._again = self._clock.monotonic() + self._refresh
        if why != self._told:
            self._told = why
            log.info(
                "samples come without stale markers, as remote read is no use here",
                source=self._name,
                why=why,
            )


def transport(
    choice: Choice, api: Api, *, name: str, refresh: float, clock: Clock
) -> Transport:
    """Return what the setting `transport` of a source asks for."""
    match choice:
        case "http":
            return Http(api)
        case "remote_read":
            return RemoteRead(api)
        case "auto":
            return Auto(api, name=name, refresh=refresh, clock=clock)
