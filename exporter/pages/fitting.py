"""Makes a module's settings fit a request: its time, its host name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.probes.credentials import may_be_secret
from runtime.probing.probes import (
    HttpProbe,
    IcmpProbe,
    TcpProbe,
    ThroughputProbe,
    TlsProbe,
)
from runtime.quantities import format_duration

if TYPE_CHECKING:
    from runtime.probing.probes import Probe

_SHARE: Final = 0.8
"""Of the time that a download may take; the rest is for it to begin."""


class DoesNotFit(ValueError):  # noqa: N818 - what it is about
    """A module that cannot do what a request asks for; the message says why."""


def within(module: Probe, seconds: float) -> Probe:
    """Return a module that is done after so many seconds; raise DoesNotFit.

    Time-outs become shorter, and never longer.
    """
    if isinstance(module, IcmpProbe):
        sending = (module.count - 1) * module.spacing
        if sending >= seconds:
            raise DoesNotFit(
                f"module {module.name!r} sends {module.count} requests "
                f"{format_duration(module.spacing)} apart, which does not fit into "
                f"{seconds:g} seconds; raise the scrape's timeout"
            )
        return _limited(module, seconds - sending)
    if isinstance(module, ThroughputProbe):
        longest = min(module.max_time, seconds * _SHARE)
        module = module.model_copy(update={"max_time": longest})
    return _limited(module, seconds)


def _limited(module: Probe, seconds: float) -> Probe:
    return module.model_copy(update={"timeout": min(module.timeout, seconds)})


def for_host(module: Probe, name: str) -> Probe:
    """Return a module that asks for a host name, whatever its target; as DoesNotFit.

    HTTP says it in the header `Host`, TCP and TLS ask for a certificate of it, unless
    the module itself names another.
    """
    if isinstance(module, HttpProbe):
        hosts = [
            value.strip()
            for header, _, value in (line.partition(":") for line in module.headers)
            if header.strip().lower() == "host"
        ]
        if any(value != name for value in hosts):
            raise DoesNotFit(
                f"module {module.name!r} has a header Host itself; leave out hostname"
            )
        headers = module.headers if hosts else (*module.headers, f"Host: {name}")
        return module.model_copy(update={"headers": headers})
    if isinstance(module, TcpProbe | TlsProbe):
        tls = module.tls_settings
        wanted = tls.model_copy(update={"server_name": tls.server_name or name})
        return module.model_copy(update={"tls_settings": wanted})
    return module


def tells_secrets(module: Probe) -> bool:
    """Whether a module sends something that not everybody may hear."""
    if not isinstance(module, HttpProbe):
        return False
    names = [line.partition(":")[0].strip() for line in module.headers]
    secrets = (module.password_secret, module.bearer_secret)
    return any(secrets) or any(map(may_be_secret, names))
