"""Prometheus' HTTP API: one method for each question, with retries."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import msgspec

from bridge.sources.base import SourceError
from bridge.sources.client import BLOCK
from bridge.sources.payload import (
    Answer,
    Element,
    Scalar,
    Vector,
    decode,
    failure,
)
from bridge.sources.remote_read_codec import uncompress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.sources.client import Client, Method, Reply
    from bridge.sources.selectors import Selector
    from bridge.telemetry import Telemetry
    from runtime.clock import Clock

_OK: Final = 200
_FIRST_PAUSE: Final = 0.25
_PROTOBUF: Final = "application/x-protobuf"
_REMOTE_READ: Final = {
    "content-type": _PROTOBUF,
    "content-encoding": BLOCK,
    "accept-encoding": BLOCK,
    "x-prometheus-remote-read-version": "0.1.0",
}


class MetadataEntry(msgspec.Struct, frozen=True, order=True):
    """What a target says of a metric family."""

    type: str = ""
    help: str = ""
    unit: str = ""


class ActiveTarget(msgspec.Struct):
    """A target that is scraped; `scrapeInterval` is a Prometheus duration."""

    labels: dict[str, str]
    scrapeInterval: str = ""  # noqa: N815 - named by the API


class _Targets(msgspec.Struct):
    activeTargets: list[ActiveTarget]  # noqa: N815 - named by the API


class _Config(msgspec.Struct):
    yaml: str = ""


_VECTOR: Final = msgspec.json.Decoder(Answer[Vector], strict=False)
_SCALAR: Final = msgspec.json.Decoder(Answer[Scalar], strict=False)
_SERIES: Final = msgspec.json.Decoder(Answer[list[dict[str, str]]])
_LABELS: Final = msgspec.json.Decoder(Answer[list[str]])
_METADATA: Final = msgspec.json.Decoder(Answer[dict[str, list[MetadataEntry]]])
_TARGETS: Final = msgspec.json.Decoder(Answer[_Targets])
_CONFIG: Final = msgspec.json.Decoder(Answer[_Config])


class Api:
    """Asks one Prometheus; safe to use from several threads.

    A request that failed is tried again up to `retries` times where that may help,
    after pauses that double and vary with `random` (numbers from 0 to 1). Every method
    raises SourceError.
    """

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        timeout: float,
        retries: int,
        token: str | None,
        telemetry: Telemetry,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._client = client
        self._name = name
        self._timeout = f"{timeout:g}s"
        self._retries = retries
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._telemetry = telemetry
        self._clock = clock
        self._random = random
        self._closed = threading.Event()

    def raw(self, selector: Selector, start_ms: int, end_ms: int) -> bytes:
        """Return the undecoded matrix of raw samples that holds `[start_ms, end_ms)`.

        Asked one millisecond before the end, for the whole width: Prometheus 2 then
        answers one more millisecond at the left, Prometheus 3 does not (RULES R2).
        """
        return self._query(f"{selector}[{_width(start_ms, end_ms)}]", end_ms - 1)

    def read(self, message: bytes) -> bytes:
        """Return the uncompressed answer of remote read to a compressed question."""
        return self._tried(lambda: self._read_once(message))

    def vector(self, expression: str, at_ms: int) -> list[Element]:
        """Return the instant vector of an expression."""
        return decode(self._query(expression, at_ms), _VECTOR).result

    def now_ms(self) -> int:
        """Return the server's own time."""
        answer = self._ask("POST", "/api/v1/query", {"query": "time()"})
        return round(decode(answer, _SCALAR).result[1] * 1000)

    def series(
        self, selector: Selector, start_ms: int, end_ms: int
    ) -> list[dict[str, str]]:
        """Return the labels of the series that were there in a span, and maybe more."""
        fields = {
            "match[]": str(selector),
            "start": _seconds(start_ms),
            "end": _seconds(end_ms - 1),
        }
        return decode(self._ask("POST", "/api/v1/series", fields), _SERIES)

    def has_series(self, selector: Selector, start_ms: int, end_ms: int) -> bool:
        """Whether the index knows such series in the blocks that a span touches."""
        fields = {"start": _seconds(start_ms), "end": _seconds(end_ms - 1)}
        if selector.matchers:
            fields["match[]"] = str(selector)
        return bool(decode(self._ask("POST", "/api/v1/labels", fields), _LABELS))

    def has_samples(self, selector: Selector, start_ms: int, end_ms: int) -> bool:
        """Whether there is a sample in `[start_ms, end_ms)`, or a millisecond before.

        Of the functions over ranges, `last_over_time` keeps the names that tell series
        apart.
        """
        expression = f"count(last_over_time({selector}[{_width(start_ms, end_ms)}]))"
        return bool(self.vector(expression, end_ms - 1))

    def metadata(self) -> dict[str, list[MetadataEntry]]:
        """Return what the targets say of their metric families."""
        return decode(self._ask("GET", "/api/v1/metadata"), _METADATA)

    def targets(self) -> list[ActiveTarget]:
        """Return the targets that are scraped now."""
        answer = self._ask("GET", "/api/v1/targets", {"state": "active"})
        return decode(answer, _TARGETS).activeTargets

    def config(self) -> str:
        """Return the server's configuration, as YAML."""
        return decode(self._ask("GET", "/api/v1/status/config"), _CONFIG).yaml

    def close(self) -> None:
        """Give up waiting and close the connections."""
        self._closed.set()
        self._client.close()

    def _query(self, expression: str, at_ms: int) -> bytes:
        fields = {
            "query": expression,
            "time": _seconds(at_ms),
            "timeout": self._timeout,
        }
        return self._ask("POST", "/api/v1/query", fields)

    def _ask(
        self, method: Method, path: str, fields: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the body of a good answer, trying again where that may help."""
        return self._tried(lambda: self._once(method, path, fields))

    def _tried(self, once: Callable[[], bytes]) -> bytes:
        pause, left = _FIRST_PAUSE, self._retries
        while True:
            try:
                return self._measured(once)
            except SourceError as error:
                if error.permanent or not left:
                    raise
                varied = pause * (0.5 + self._random())
                if self._clock.wait(self._closed, varied):
                    raise
            pause, left = pause * 2, left - 1

    def _measured(self, once: Callable[[], bytes]) -> bytes:
        began = self._clock.monotonic()
        outcome = "failed"
        try:
            body = once()
            outcome = "ok"
        except SourceError as error:
            outcome = error.reason
            raise
        finally:
            self._telemetry.source_requests.labels(self._name, outcome).inc()
            self._telemetry.source_seconds.labels(self._name).observe(
                self._clock.monotonic() - began
            )
        self._telemetry.source_bytes.labels(self._name).inc(len(body))
        return body

    def _once(
        self, method: Method, path: str, fields: Mapping[str, str] | None
    ) -> bytes:
        reply = self._client.request(method, path, fields=fields, headers=self._headers)
        _check(reply)
        if not _looks_whole(reply.body):
            raise SourceError("garbage", "the answer is not a JSON object")
        return reply.body

    def _read_once(self, message: bytes) -> bytes:
        headers = {**self._headers, **_REMOTE_READ}
        reply = self._client.request(
            "POST", "/api/v1/read", body=message, headers=headers
        )
        _check(reply)
        kind = reply.headers.get("content-type", "").partition(";")[0].strip()
        encoding = reply.headers.get("content-encoding", "")
        if (kind, encoding) != (_PROTOBUF, BLOCK):
            told = f"{kind or 'unknown'} in {encoding or 'no'} encoding"
            raise SourceError("garbage", f"the answer is no remote read but {told}")
        return uncompress(reply.body, self._client.max_response)


def _check(reply: Reply) -> None:
    """Raise what an answer means that is not a good one."""
    if reply.status != _OK:
        location = reply.headers.get("location", "")
        raise failure(reply.status, reply.body, location)


def _looks_whole(body: bytes) -> bool:
    """Whether a body begins and ends like an answer; cheap, for any size."""
    return body[:64].lstrip()[:1] == b"{" and body[-64:].rstrip()[-1:] == b"}"


def _width(start_ms: int, end_ms: int) -> str:
    """Return the width of a span as a PromQL duration."""
    width = end_ms - start_ms
    return f"{width}ms" if width % 1000 else f"{width // 1000}s"


def _seconds(milliseconds: int) -> str:
    """Return seconds with all three decimals, without going through a float."""
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"
