"""A receiver of OTLP over HTTP: what is sent to it, and what its answers mean.

Every request has one deadline for all of it and can be cut off from another thread.
Certificates are verified; redirects are not followed, as the headers are only for the
receiver of the settings. Source: OpenTelemetry Protocol Specification, "OTLP/HTTP".
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import urllib3
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from urllib3.exceptions import HTTPError

from exporter.otlp.trust import context
from exporter.telemetry import version
from runtime.connections import CHUNK, Sockets, TimedHTTPPool, TimedHTTPSPool
from runtime.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.otlp.options import Options
    from runtime.clock import Clock

Outcome = Literal[
    "accepted",
    "partial",
    "unreachable",
    "busy",
    "unauthorized",
    "refused",
    "failed",
    "garbage",
]
"""`garbage` is a success that is not told as OTLP tells it, as by another server."""

AGAIN: Final = frozenset({"unreachable", "busy"})
"""After these the same may be sent again."""

_OUTCOMES: Final[dict[int, Outcome]] = {
    401: "unauthorized",
    403: "unauthorized",
    429: "busy",
    502: "busy",
    503: "busy",
    504: "busy",
}
_KIND: Final = "application/x-protobuf"
_LARGEST_ANSWER: Final = 2**20
_SHOWN: Final = 300
_GZIP_LEVEL: Final = 5
_GZIP: Final = 31
_SUCCESS: Final = 2
_OF_THE_SENDER: Final = (3, 4)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request.

    `rejected` are points that were not taken in a partial success. `retry_after` is
    the wait in seconds that was asked for.
    """

    outcome: Outcome
    message: str = ""
    rejected: int = 0
    retry_after: float | None = None


class Receiver:
    """The receiver at a URL; not to be used by two threads at once, but for `close`.

    Raises OSError where a file of certificates cannot be used.
    """

    def __init__(self, options: Options, clock: Clock) -> None:
        parts = urlsplit(options.url)
        self._target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._clock = clock
        self._gzip = options.gzip
        self._sockets = Sockets()
        self._pool: urllib3.HTTPConnectionPool
        if parts.scheme == "https":
            self._pool = TimedHTTPSPool(
                parts.hostname or "",
                parts.port,
                sockets=self._sockets,
                ssl_context=context(
                    options.certificate, options.client_certificate, options.client_key
                ),
            )
        else:
            self._pool = TimedHTTPPool(
                parts.hostname or "", parts.port, sockets=self._sockets
            )
        self._headers = {
            "User-Agent": f"epimetheus-exporter/{version()}",
            **options.headers,
            "Content-Type": _KIND,
            **({"Content-Encoding": "gzip"} if options.gzip else {}),
        }

    def pack(self, message: bytes) -> bytes:
        """Return an encoded message as the body of a request."""
        if not self._gzip:
            return message
        squeeze = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP)
        return squeeze.compress(message) + squeeze.flush()

    def send(self, body: bytes, timeout: float) -> Reply:
        """Send a packed message, and wait for the answer up to `timeout` seconds."""
        try:
            answer = self._pool.urlopen(
                "POST",
                self._target,
                body=body,
                headers=self._headers,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(total=timeout),
                preload_content=False,
                decode_content=True,
            )
            content = _content(answer)
        except (HTTPError, OSError) as error:
            return Reply("unreachable", _told(error))
        except ValueError as error:
            return Reply("garbage", str(error))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status // 100 == _SUCCESS:
            return _taken(content, headers)
        return self._failure(answer.status, content, headers)

    def close(self) -> None:
        """Cut off what is under way, from any thread; nothing is possible any more."""
        self._sockets.cut()
        self._pool.close()

    def _failure(
        self, status: int, content: bytes, headers: Mapping[str, str]
    ) -> Reply:
        of_sender = status // 100 in _OF_THE_SENDER
        outcome = _OUTCOMES.get(status, "refused" if of_sender else "failed")
        message = f"status {status}"
        if told := _reason(content, headers):
            message += f": {told}"
        if location := headers.get("location"):
            message += f": it has moved to {location[:_SHOWN]}"
        return Reply(
            outcome,
            message,
            retry_after=retry_after(headers.get("retry-after", ""), self._clock.now()),
        )


def _content(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body; raise ValueError as soon as it is too large."""
    try:
        return b"".join(_pieces(answer))
    except BaseException:
        answer.close()
        raise
    finally:
        answer.release_conn()


def _pieces(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    size = 0
    while piece := answer.read1(CHUNK):
        size += len(piece)
        if size > _LARGEST_ANSWER:
            raise ValueError(f"the answer has more than {_LARGEST_ANSWER} bytes")
        yield piece


def _taken(content: bytes, headers: Mapping[str, str]) -> Reply:
    """Return what a success says; an empty answer is one that has nothing to say."""
    if not content:
        return Reply("accepted")
    kind = _kind(headers)
    if kind != _KIND:
        return Reply("garbage", f"the answer is {kind or 'of no kind'}, not {_KIND}")
    try:
        said = ExportMetricsServiceResponse.FromString(content).partial_success
    except Exception as error:  # noqa: BLE001 - protobuf's is not for import
        return Reply("garbage", f"the answer cannot be read: {error}")
    if said.rejected_data_points:
        rejected = int(said.rejected_data_points)
        return Reply("partial", said.error_message[:_SHOWN], max(rejected, 0))
    # With no point rejected, a message is a warning.
    return Reply("accepted", said.error_message[:_SHOWN])


def _reason(content: bytes, headers: Mapping[str, str]) -> str:
    """Return what an answer says in words, '' for none."""
    kind = _kind(headers)
    if kind == _KIND:
        try:
            # google.rpc.Status has its message where a partial success has it, too.
            said = ExportMetricsPartialSuccess.FromString(content).error_message
        except Exception:  # noqa: BLE001 - as above; the status says enough
            return ""
    elif kind in {"text/plain", "application/json"}:
        said = content.decode("utf-8", "replace")
    else:
        return ""
    return " ".join(said.split())[:_SHOWN]


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _told(error: Exception) -> str:
    """Return what happened without the objects that urllib3 puts before it."""
    cause = error.args[-1] if error.args else None
    text = str(cause if isinstance(cause, Exception) else error).strip()
    text = re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", text)
    return text[:_SHOWN] or type(error).__name__
