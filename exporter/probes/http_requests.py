"""What an HTTP probe asks for, first and after each redirect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.probes.credentials import authorization, may_be_secret
from exporter.probes.hosts import ascii_name, place_of
from exporter.probes.http_hops import Request
from exporter.probes.urls import Url, first_url

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.probing.probes import HttpProbe

USER_AGENT: Final = "epimetheus-prober"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({307, 308})


def first_request(settings: HttpProbe, host: str, secrets: Path | None) -> Request:
    """Return the first request of a probe; raise ProbeFailed with WRONG_SETTINGS."""
    url = first_url(settings.url, host)
    headers = _own_headers(settings)
    named = {name.lower() for name, _ in headers}
    for name, value in _usual_headers(settings, secrets):
        if name.lower() not in named:
            headers.append((name, value))
    virtual = next((value for name, value in headers if name == "Host"), "")
    return Request(
        method=settings.method,
        url=url,
        headers=_with_host(headers, virtual or url.authority),
        tls_settings=settings.tls_settings,
        body=settings.body.encode(),
        # A virtual host has its own certificate, too.
        name=ascii_name(place_of(virtual).host) if virtual else "",
        offer_h2=settings.http2,
        proxy=settings.proxy,
    )


def _own_headers(settings: HttpProbe) -> list[tuple[str, str]]:
    headers = []
    for line in settings.headers:
        name, _, value = line.partition(":")
        headers.append(("Host" if name.lower() == "host" else name, value.strip()))
    return headers


def _usual_headers(settings: HttpProbe, secrets: Path | None) -> list[tuple[str, str]]:
    headers = [("User-Agent", USER_AGENT), ("Accept", "*/*")]
    if settings.compression:
        headers.append(("Accept-Encoding", "gzip, deflate"))
    if settings.body or settings.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(settings.body.encode()))))
    credentials = authorization(settings, secrets)
    if credentials:
        headers.append(("Authorization", credentials))
    return headers


def next_request(request: Request, status: int, url: Url) -> Request:
    """Return the request that follows a redirect (RFC 9110, 15.4).

    Credentials and the name of a virtual host go nowhere but to the same host, and
    credentials never from TLS to plain text.
    """
    headers = [(name, value) for name, value in request.headers if name != "Host"]
    method, body, name = request.method, request.body, request.name
    if status not in _KEEPS_METHOD and method not in {"GET", "HEAD"}:
        method, body = "GET", b""
        headers = [one for one in headers if not one[0].lower().startswith("content-")]
    host = next(value for name, value in request.headers if name == "Host")
    before = request.url
    if (url.host, url.port) != (before.host, before.port) or (
        before.secure and not url.secure
    ):
        headers = [one for one in headers if not may_be_secret(one[0])]
        host, name = url.authority, ""
    return replace(
        request,
        method=method,
        url=url,
        headers=_with_host(headers, host),
        body=body,
        name=name,
    )


def _with_host(
    headers: list[tuple[str, str]], host: str
) -> tuple[tuple[str, str], ...]:
    others = (one for one in headers if one[0] != "Host")
    return (("Host", host), *others)
