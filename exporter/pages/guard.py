"""Who may see what is measured: everybody, or who sends the token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from exporter.pages.answer import Answer, plain

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


class Guard:
    """Lets requests through that send a token; all of them if there is none."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode()

    def admits(self, environ: WSGIEnvironment) -> bool:
        """Whether a request may see what is measured."""
        if self._token is None:
            return True
        scheme, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        # WSGI hands over the bytes of a header as Latin-1.
        return scheme.lower() == "bearer" and hmac.compare_digest(
            sent.strip().encode("latin-1", "replace"), self._token
        )


def unauthorized() -> Answer:
    """Return what others are told."""
    return plain(
        "401 Unauthorized",
        "Send the header Authorization: Bearer TOKEN.",
        ("WWW-Authenticate", 'Bearer realm="epimetheus-exporter"'),
    )
