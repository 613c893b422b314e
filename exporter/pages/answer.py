"""What every page answers with, and how an exposition is put into an answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from exporter.negotiation import accepts_gzip

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from exporter.negotiation import Format

_GZIP: Final = 31
"""What zlib calls the gzip container with the largest window."""

Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """A response before it is put on the wire."""

    status: str
    body: bytes
    headers: Headers


class Page(Protocol):
    """Answers requests for one path, from several threads at once."""

    def __call__(self, environ: WSGIEnvironment) -> Answer:
        """Answer a GET or HEAD; whoever asks may see the page."""


def plain(status: str, text: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer for people, a line or several."""
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return Answer(status, f"{text}\n".encode(), (kind, *headers))


def exposition(
    body: bytes, wanted: Format, environ: WSGIEnvironment, gzip_level: int
) -> Answer:
    """Return metrics in a format, compressed where the client likes that."""
    headers: Headers = (
        ("Content-Type", wanted.content_type),
        ("Vary", "Accept, Accept-Encoding"),
    )
    if gzip_level and accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING")):
        body = zlib.compress(body, gzip_level, _GZIP)
        headers += (("Content-Encoding", "gzip"),)
    return Answer("200 OK", body, headers)
