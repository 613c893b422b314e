"""Echo requests as a probe of one target: a volley of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from exporter.probes.connecting import find
from exporter.probes.hosts import place_of
from exporter.probes.icmp_results import results_of
from exporter.probes.trial import Trial, conduct
from exporter.probes.volleys import Volley

if TYPE_CHECKING:
    from exporter.probes.base import Target, Tools
    from exporter.probes.engine import Engine
    from runtime.probing.probes import IcmpProbe
    from runtime.probing.wire import Result

_SPARE: Final = 5.0
"""Seconds for resolving and for a busy loop, beyond what the requests take."""


@dataclass(frozen=True, slots=True)
class IcmpEcho:
    """The probe of kind icmp, on an engine that it shares with all others."""

    engine: Engine

    async def __call__(
        self, target: Target, settings: IcmpProbe, tools: Tools
    ) -> Result:
        """Send the requests; raises nothing but CancelledError."""
        trial = Trial(target, settings, tools)
        found: list[Result] = []

        async def body() -> None:
            address = await find(trial, place_of(target.host).host, None)
            trial.log.say(
                f"sending {settings.count} echo requests of {settings.size} bytes"
            )
            volley = Volley((address,), settings)
            with trial.phase("rtt"):
                came = await self.engine.fire(volley)
            found.extend(results_of(volley, came, [target.name]))
            trial.log.say(f"{found[0].received} of {found[0].sent} were answered")
            if found[0].reason:
                trial.log.say(f"failed: {found[0].message}")

        spent = (settings.count - 1) * settings.spacing + settings.timeout
        failed = await conduct(trial, body, spent + _SPARE)
        if not found:
            return failed
        return replace(
            found[0],
            began_ms=failed.began_ms,
            seconds=failed.seconds,
            phases=failed.phases,
            log=failed.log,
        )
