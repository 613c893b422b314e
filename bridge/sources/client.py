"""HTTP to servers that may be slow, broken or hostile.

Every request has one deadline for all of it, however slowly bytes drip in; every
answer has a largest size, also after decompression; redirects are answers like others.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from bridge.sources.base import SourceError
from runtime.connections import CHUNK, Sockets, TimedHTTPPool, TimedHTTPSPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Method: TypeAlias = Literal["GET", "POST"]
BLOCK: Final = "snappy"
"""The encoding of bodies that are handed on as they are: whole blocks of snappy."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_SHOWN: Final = 80
"""The most characters that an error quotes of what is no HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its headers with lower-case names, its decoded body.

    A body that is a `BLOCK`, by its header `content-encoding`, is not decoded.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Client:
    """Asks one server; keeps connections open between requests.

    `url` is the base that paths are appended to and whose query is kept, `timeout` the
    seconds that one request may take as a whole, `max_response` the bytes of a body,
    `connections` how many requests run at once.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        max_response: int,
        gzip: bool = False,
        connections: int = 1,
    ) -> None:
        self._parts = urlsplit(url)
        self._timeout = timeout
        self._max_response = max_response
        self._headers = {"user-agent": "epimetheus"}
        self._headers["accept-encoding"] = "gzip" if gzip else "identity"
        self._sockets = Sockets()
        kind = TimedHTTPSPool if self._parts.scheme == "https" else TimedHTTPPool
        self._pool = kind(
            self._parts.hostname or "",
            self._parts.port,
            maxsize=connections,
            block=True,
            sockets=self._sockets,
        )

    @property
    def max_response(self) -> int:
        """The bytes that a body may have at most, decoded."""
        return self._max_response

    def request(
        self,
        method: Method,
        path: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request; `fields` go into the query, or the body of a POST.

        A POST may have a `body` of its own instead, with headers that say what it is.
        Raises SourceError (refused, timeout, truncated, garbage, too_large) when there
        is no whole answer; every status is an answer.
        """
        target = self._parts.path.rstrip("/") + path or "/"
        sent = {**self._headers, **(headers or {})}
        form = urlencode(fields or {})
        if method == "POST" and body is None:
            body = form.encode()
            sent["content-type"] = "application/x-www-form-urlencoded"
        query = "&".join(filter(None, [self._parts.query, "" if body else form]))
        try:
            return self._send(method, f"{target}?{query}".rstrip("?"), body, sent)
        except (HTTPError, OSError) as error:
            _translate(error, self._timeout)

    def close(self) -> None:
        """Close all connections; no request is possible any more.

        From any thread: a request that is under way fails at once.
        """
        self._sockets.cut()
        self._pool.close()

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        answer = self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(total=self._timeout),
            preload_content=False,
            decode_content=False,
        )
        try:
            content = b"".join(self._pieces(answer))
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release_conn()
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, content, lowered)

    def _pieces(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Yield the decoded body, refusing it as soon as it is too large."""
        announced = answer.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_response:
            raise self._too_large()
        size = 0
        encoded = answer.headers.get("content-encoding", "identity")
        pieces = self._unzipped(answer) if encoded == "gzip" else _received(answer)
        if encoded not in {"gzip", "identity", BLOCK}:
            raise SourceError("garbage", f"the body is encoded as {encoded}")
        for piece in pieces:
            size += len(piece)
            if size > self._max_response:
                raise self._too_large()
            yield piece

    def _unzipped(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Decompress in bounded steps, so that a tiny body cannot fill the memory."""
        inflate = zlib.decompressobj(_GZIP)
        for piece in _received(answer):
            rest = piece
            while rest and not inflate.eof:
                try:
                    yield inflate.decompress(rest, CHUNK)
                except zlib.error as error:
                    raise SourceError("garbage", f"the gzip body: {error}") from error
                rest = inflate.unconsumed_tail
        if not inflate.eof:
            raise SourceError("truncated", "the gzip body ends early")

    def _too_large(self) -> SourceError:
        return SourceError(
            "too_large",
            f"the answer has more than {self._max_response} bytes",
            permanent=True,
        )


def _received(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    while piece := answer.read1(CHUNK):
        yield piece


def _translate(error: Exception, timeout: float) -> NoReturn:
    """Raise the SourceError that says what the failed request means."""
    cause = error.args[-1] if error.args else None
    told = str(cause if isinstance(cause, Exception) else error).strip()
    match error:
        case NewConnectionError():
            raise SourceError("refused", told.partition(": ")[2]) from error
        case ConnectTimeoutError() | ReadTimeoutError() | TimeoutError():
            raise SourceError("timeout", f"no whole answer in {timeout:g} s") from error
        case ProtocolError() if _is_no_http(cause):
            raise SourceError(
                "garbage", f"the answer is no HTTP: {told[:_SHOWN]}"
            ) from error
        case ProtocolError():
            raise SourceError("truncated", f"the answer broke off: {told}") from error
        case _:
            raise SourceError("refused", told) from error


def _is_no_http(cause: object) -> bool:
    return isinstance(cause, HTTPException) and not isinstance(
        cause, RemoteDisconnected | IncompleteRead
    )
