"""Reads what a request for `/probe` asks for."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from runtime.probing.rules import host_name

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_PARAMETERS: Final = ("target", "module", "hostname", "debug")
_TIMEOUT: Final = "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"
_FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


class BadQuestion(ValueError):  # noqa: N818 - what it is about
    """A request that means nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks for; '' is what it leaves out, `scrape_timeout` None."""

    target: str
    module: str
    hostname: str
    debug: bool
    scrape_timeout: float | None

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Question:
        """Return what a request asks for; raise BadQuestion.

        Parameters that have no meaning here are left to whoever sends them.
        """
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        asked = {name: query.get(name, [""]) for name in _PARAMETERS}
        for name, values in asked.items():
            if len(values) > 1:
                raise BadQuestion(f"{name} is there {len(values)} times")
        hostname = asked["hostname"][0]
        if hostname and not _is_host(hostname):
            raise BadQuestion("hostname is not the name of a host")
        return cls(
            target=asked["target"][0],
            module=asked["module"][0],
            hostname=hostname,
            debug=asked["debug"][0] == "true",
            scrape_timeout=_seconds(environ.get(_TIMEOUT)),
        )

    def seconds(self, longest: float, offset: float) -> float:
        """Return how long a probe may take, so that its answer is there in time.

        In whole milliseconds, as durations are written, and at least one.
        """
        told = self.scrape_timeout
        if told is None:
            return longest
        usable = min(longest, told - offset if offset < told else told)
        return max(round(usable, 3), 0.001)


def is_from_here(environ: WSGIEnvironment) -> bool:
    """Whether a request came from this host, and was not passed on by a proxy."""
    if any(header in environ for header in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise BadQuestion(
            "the header X-Prometheus-Scrape-Timeout-Seconds holds no number of seconds"
        )
    return seconds or None


def _is_host(text: str) -> bool:
    name, _, port = text.partition(":")
    if host_name(name) and (not port or (port.isascii() and port.isdecimal())):
        return True
    if "%" in text:
        return False  # what follows in a zone may be anything, line ends as well
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
