"""A TLS handshake, and the certificates that are shown in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.probes import starttls
from exporter.probes.connecting import Way, connect, find
from exporter.probes.hosts import ascii_name, place_of
from exporter.probes.streams import Stream
from exporter.probes.tls_session import Wanted, secured
from exporter.probes.trial import Trial, conduct

if TYPE_CHECKING:
    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import TlsProbe
    from runtime.probing.wire import Result


async def probe(target: Target, settings: TlsProbe, tools: Tools) -> Result:
    """Shake hands with a target and return its certificates and their verification."""
    trial = Trial(target, settings, tools)
    return await conduct(trial, lambda: _shake(trial, settings))


async def _shake(trial: Trial, settings: TlsProbe) -> None:
    place = place_of(trial.target.host)
    port = place.port or settings.port
    trial.facts["port"] = port
    address = await find(trial, place.host, port)

    async def reach() -> Stream:
        with trial.phase("connect"):
            stream = Stream(await connect(address, port, Way.of(settings)))
        if settings.starttls:
            try:
                with trial.phase("starttls"):
                    await starttls.ask(stream, settings.starttls)
            except BaseException:
                stream.close()
                raise
        return stream

    wanted = Wanted(settings.tls_settings, ascii_name(place.host))
    (await secured(trial, wanted, reach)).close()
    trial.rtts = (trial.phases["tls"],)
