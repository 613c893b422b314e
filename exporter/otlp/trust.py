"""Certificates of a receiver and of this program."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def context(
    certificate: Path | None, client: Path | None, key: Path | None
) -> ssl.SSLContext:
    """Return what verifies a receiver, and shows it the client's certificate.

    Without `certificate` the system's authorities are trusted; `key` may lie in the
    client's file. Raises OSError where a file cannot be used.
    """
    made = ssl.create_default_context(cafile=certificate)
    if client is not None:
        # Nobody is there to be asked for the password of a key.
        made.load_cert_chain(client, key, password="")
    return made
