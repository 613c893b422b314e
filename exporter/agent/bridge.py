"""What an agent asks its bridge and tells it, over HTTP, and what answers mean.

Every request has one deadline for all of it and can be cut off from another thread.
TLS certificates are verified; redirects are not followed, as the key is only for the
bridge of the settings.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from exporter.telemetry import version
from runtime.connections import CHUNK, Sockets, TimedHTTPPool, TimedHTTPSPool
from runtime.probing import wire
from runtime.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runtime.clock import Clock

Outcome = Literal[
    "unreachable",
    "unauthorized",
    "not_found",
    "conflict",
    "too_large",
    "refused",
    "busy",
    "failed",
    "garbage",
]
"""How an exchange can fail; `refused` is for what was sent, and stays so."""

_OUTCOMES: Final[dict[int, Outcome]] = {
    400: "refused",
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    422: "refused",
    429: "busy",
    503: "busy",
}
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_LARGEST_ANSWER: Final = 64 * 2**20
_SHOWN: Final = 300
_GZIP_LEVEL: Final = 5
_GZIP: Final = 31


class BridgeError(Exception):
    """An exchange that failed; the message says how, `retry_after` is in seconds."""

    def __init__(
        self, outcome: Outcome, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.retry_after = retry_after


class Fetched(NamedTuple):
    """A plan as it came, and its ETag."""

    content: bytes
    etag: str


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Problem(msgspec.Struct):
    """The parts of problem+json (RFC 9457) that say what is wrong."""

    title: str = ""
    detail: str = ""


class Bridge:
    """The bridge at a URL, for one agent; `timeout` is for a whole exchange, in s."""

    def __init__(
        self, url: str, agent: str, key: str | None, clock: Clock, timeout: float = 30.0
    ) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path.rstrip('/')}/api/v1"
        self._agent = agent
        self._clock = clock
        self._timeout = timeout
        self._sockets = Sockets()
        pool = TimedHTTPSPool if parts.scheme == "https" else TimedHTTPPool
        # One connection for each of the threads that ask and tell.
        self._pool = pool(
            parts.hostname or "", parts.port, maxsize=2, sockets=self._sockets
        )
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"epimetheus-exporter/{version()}",
        }
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def fetch(self, etag: str) -> Fetched | None:
        """Return the plan, or None if it still has that ETag; raise BridgeError."""
        known = {"If-None-Match": etag} if etag else {}
        path = f"/agents/{quote(self._agent, safe='')}/plan"
        reply = self._ask("GET", path, None, known)
        if reply.status == _NOT_MODIFIED and etag:
            return None
        if reply.status != _OK:
            raise BridgeError("garbage", f"status {reply.status} makes no sense here")
        return Fetched(reply.body, reply.headers.get("etag", ""))

    def send(self, batch: bytes) -> wire.Receipt:
        """Send a batch, as JSON; return the receipt, or raise BridgeError."""
        squeeze = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP)
        body = squeeze.compress(batch) + squeeze.flush()
        kind = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        reply = self._ask("POST", "/results", body, kind)
        try:
            return msgspec.json.decode(reply.body, type=wire.Receipt)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BridgeError("garbage", f"the receipt is none: {error}") from error

    def close(self) -> None:
        """Cut off what is under way, from any thread; nothing is possible any more."""
        self._sockets.cut()
        self._pool.close()

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> _Reply:
        try:
            answer = self._pool.urlopen(
                method,
                self._path + path,
                body=body,
                headers={**self._headers, **headers},
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(total=self._timeout),
                preload_content=False,
                decode_content=False,
            )
            reply = _Reply(
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                _content(answer),
            )
        except (HTTPError, OSError, ValueError) as error:
            raise BridgeError("unreachable", _told(error)) from error
        if reply.status == _NOT_MODIFIED or reply.status // 100 == _OK // 100:
            return reply
        raise self._failure(reply)

    def _failure(self, reply: _Reply) -> BridgeError:
        outcome = _OUTCOMES.get(reply.status, "failed")
        message = f"status {reply.status}"
        try:
            problem = msgspec.json.decode(reply.body, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = _Problem()
        if told := problem.detail or problem.title:
            message += f": {told[:_SHOWN]}"
        if location := reply.headers.get("location"):
            message += f": it has moved to {location[:_SHOWN]}"
        return BridgeError(
            outcome,
            message,
            retry_after(reply.headers.get("retry-after", ""), self._clock.now()),
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


def _told(error: Exception) -> str:
    """Return what happened without the objects that urllib3 puts before it."""
    cause = error.args[-1] if error.args else None
    text = str(cause if isinstance(cause, Exception) else error).strip()
    text = re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", text)
    return text[:_SHOWN] or type(error).__name__
