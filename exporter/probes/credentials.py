"""Secrets of the agent, by name; they are neither logged nor part of any result."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason
from runtime.problems import SettingsError
from runtime.secret_files import read_secret

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.probing.probes import HttpProbe


_SECRET: Final = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|signature|(^|[-_])(api)?key",
    re.IGNORECASE,
)


def may_be_secret(header: str) -> bool:
    """Whether a header, by its name, may be what gets somebody in."""
    return bool(_SECRET.search(header))


def authorization(settings: HttpProbe, secrets: Path | None) -> str:
    """Return the value of the Authorization header, '' for none.

    Basic (RFC 7617) or bearer (RFC 6750). Raises ProbeFailed with WRONG_SETTINGS.
    """
    if settings.bearer_secret:
        return f"Bearer {_secret(settings.bearer_secret, secrets)}"
    if not settings.user and not settings.password_secret:
        return ""
    name = settings.password_secret
    password = _secret(name, secrets) if name else ""
    return f"Basic {b64encode(f'{settings.user}:{password}'.encode()).decode()}"


def _secret(name: str, secrets: Path | None) -> str:
    """Return a secret by its name, which leads out of the directory in no way."""
    if secrets is None:
        raise _unusable(name, "exporter.prober.secrets names no directory here")
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}", name):
        raise _unusable(name, "names have letters, digits and _ . - only")
    try:
        return read_secret(None, secrets / name) or ""
    except SettingsError as error:
        raise _unusable(name, str(error)) from error


def _unusable(name: str, why: str) -> ProbeFailed:
    return ProbeFailed(
        Reason.WRONG_SETTINGS, f"the secret {name!r} cannot be used: {why}"
    )
