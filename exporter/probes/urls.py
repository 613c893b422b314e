"""URLs as HTTP needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from exporter.probes.base import ProbeFailed
from exporter.probes.hosts import ascii_name, is_url, place_of
from runtime.probing.reasons import Reason

_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = "/%:@!$&'()*+,;=~[]|"


@dataclass(frozen=True, slots=True)
class Url:
    """Where a request goes; `target` is the path with the query, ready for the wire.

    User information and the fragment are no part of it.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as in the Host header (RFC 9110, 7.2)."""
        bare = self.host.partition("%")[0]
        host = f"[{bare}]" if ":" in bare else bare
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether it is fetched over TLS."""
        return self.scheme == "https"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def first_url(template: str, host: str) -> Url:
    """Return the URL of a destination: its own, or the template's with the host in it.

    Raises ProbeFailed with WRONG_SETTINGS.
    """
    if is_url(host):
        return _checked(host)
    return _checked(template.replace("{host}", str(place_of(host))))


def redirected(url: Url, location: str) -> Url:
    """Return where a redirect leads; raise ProbeFailed with PROTOCOL_ERROR."""
    try:
        return parse(urljoin(str(url), location))
    except (ValueError, ProbeFailed) as error:
        shown = location[:200] if "@" not in location else "(with user information)"
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, f"the redirect to {shown!r} is wrong: {error}"
        ) from error


def _checked(text: str) -> Url:
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS,
            "the URL holds user information; set user and password_secret instead",
        )
    try:
        return parse(text)
    except ValueError as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS, f"{text!r} cannot be asked for: {error}"
        ) from error


def parse(text: str) -> Url:
    """Return a URL; raise ValueError or ProbeFailed that says what is wrong."""
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise ValueError(f"{parts.scheme or 'nothing'} is not http or https")
    if not parts.hostname:
        raise ValueError("it names no host")
    if parts.port == 0:
        raise ValueError("there is no port 0")
    # A scope is written %25 in URLs (RFC 6874).
    host = ascii_name(parts.hostname.replace("%25", "%"))
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE + "?")
    return Url(parts.scheme, host, parts.port or _PORTS[parts.scheme], target)
