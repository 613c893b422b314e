"""One request and its answer, to a pinned address, phase by phase."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpcore

from exporter.probes import proxies
from exporter.probes.base import Open, ProbeFailed
from exporter.probes.connecting import Way, connect, find, look_up
from exporter.probes.hosts import as_address
from exporter.probes.streams import Stream
from exporter.probes.tls_session import Wanted, secured
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from urllib.parse import SplitResult

    from exporter.probes.trial import Trial
    from exporter.probes.urls import Url
    from runtime.probing.probes import TlsSettings

_PROXY_PORTS: Final = {"http": 3128, "socks5": 1080}
_CUT_OFF: Final = ("disconnected", "peer closed", "terminated")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `name` is whom TLS asks for, the URL's host if empty."""

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    tls_settings: TlsSettings
    body: bytes = b""
    name: str = ""
    offer_h2: bool = False
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: its head, and a body that is still to be read."""

    response: httpcore.Response

    @property
    def status(self) -> int:
        """The status."""
        return self.response.status

    @property
    def version(self) -> str:
        """The version of HTTP: 1.0, 1.1 or 2."""
        version: bytes = self.response.extensions.get("http_version", b"HTTP/1.1")
        return version.decode("ascii").removeprefix("HTTP/")

    def values(self, name: str) -> list[bytes]:
        """Return the values of a header, in order."""
        wanted = name.lower().encode("latin-1", "replace")
        return [value for key, value in self.response.headers if key.lower() == wanted]

    def value(self, name: str) -> str:
        """Return the first value of a header, '' if it is not there."""
        return next((one.decode("latin-1") for one in self.values(name)), "")


class _Network(httpcore.AsyncNetworkStream):
    """A stream as httpcore wants it; the probe's timeout is around everything."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        return await self._stream.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        await self._stream.write(buffer)

    async def aclose(self) -> None:
        """Leave it to who opened the stream."""

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError  # it is done before httpcore begins

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        return None


@asynccontextmanager
async def answered(trial: Trial, request: Request) -> AsyncIterator[Answer]:
    """Send a request and hand out its answer; raise ProbeFailed and OSError."""
    trial.facts.pop("tls", None)
    trial.certificate = ""
    stream, target = await _reached(trial, request)
    try:
        with _translated():
            with trial.phase("processing"):
                response = await _sent(stream, request, target)
            try:
                yield Answer(response)
            finally:
                with contextlib.suppress(httpcore.RemoteProtocolError, OSError):
                    await response.aclose()
    finally:
        stream.close()


async def _sent(stream: Stream, request: Request, target: str) -> httpcore.Response:
    url = request.url
    origin = httpcore.Origin(url.scheme.encode(), url.host.encode(), url.port)
    network = _Network(stream)
    headers = list(request.headers)
    connection: httpcore.AsyncConnectionInterface
    if stream.tls is not None and stream.tls.selected_alpn_protocol() == "h2":
        connection = httpcore.AsyncHTTP2Connection(origin, network)
    else:
        connection = httpcore.AsyncHTTP11Connection(origin, network)
        headers.append(("Connection", "close"))
    return await connection.handle_async_request(
        httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=origin.scheme,
                host=origin.host,
                port=origin.port,
                target=target.encode(),
            ),
            headers=[(name.encode(), value.encode()) for name, value in headers],
            content=request.body,
        )
    )


async def _reached(trial: Trial, request: Request) -> tuple[Stream, str]:
    """Return a stream to the server of a URL, over TLS if that is its scheme.

    And what is asked for on it: the path, or all of the URL where a proxy forwards.
    """
    url, way = request.url, Way.of(trial.settings)
    target = url.target
    if request.proxy:
        proxy = urlsplit(request.proxy)
        reach, destination = await _proxied(trial, proxy, url)
        if proxy.scheme == "http" and not url.secure:
            target = str(replace(url, host=destination))
    else:
        address = await find(trial, url.host, url.port)

        async def reach() -> Stream:
            with trial.phase("connect"):
                return Stream(await connect(address, url.port, way))

    if not url.secure:
        return await reach(), target
    alpn = ("h2", "http/1.1") if request.offer_h2 else ("http/1.1",)
    wanted = Wanted(request.tls_settings, request.name or url.host, alpn)
    return await secured(trial, wanted, reach), target


async def _proxied(
    trial: Trial, proxy: SplitResult, url: Url
) -> tuple[Callable[[], Awaitable[Stream]], str]:
    """Return what connects through a proxy, and what the proxy is told.

    The proxy is chosen by the settings, so no guard is asked about it. It looks names
    up itself, so where there is a guard it is told the address that the guard has seen.
    """
    at = await look_up(trial, proxy.hostname or "")
    port = proxy.port or _PROXY_PORTS[proxy.scheme]
    named = isinstance(trial.tools.guard, Open) and as_address(url.host) is None
    told = url.host if named else (await find(trial, url.host, url.port)).ip
    trial.log.say(f"through the proxy {at.ip} port {port}")

    async def reach() -> Stream:
        with trial.phase("connect"):
            stream = Stream(await connect(at, port, Way.of(trial.settings)))
            try:
                if proxy.scheme == "socks5":
                    await proxies.socks(stream, told, url.port)
                elif url.secure:
                    await proxies.tunnel(stream, told, url.port)
            except BaseException:
                stream.close()
                raise
        return stream

    return reach, told


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpcore.LocalProtocolError as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS, f"the request is not allowed by HTTP: {error}"
        ) from error
    except (httpcore.RemoteProtocolError, httpcore.ConnectionNotAvailable) as error:
        text = str(error)
        if any(words in text for words in _CUT_OFF):
            raise ProbeFailed(
                Reason.RESET, f"the connection ended before the answer: {text}"
            ) from error
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, f"the answer is not HTTP: {text}"
        ) from error
