"""Goes over to TLS, and tells what was agreed on and which certificates were shown."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.probes import certificates, failures
from exporter.probes.base import ProbeFailed
from exporter.probes.tls_contexts import context_for
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exporter.probes.streams import Stream
    from exporter.probes.trial import Trial
    from runtime.probing.probes import TlsSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to speak TLS: with whose name, and offering which protocols (RFC 7301)."""

    settings: TlsSettings
    name: str
    alpn: tuple[str, ...] = ()

    @property
    def server_name(self) -> str:
        """The name that is asked for and verified."""
        # An address with a scope is never in a certificate, one without may be.
        return (self.settings.server_name or self.name).partition("%")[0]


async def secured(
    trial: Trial, wanted: Wanted, reach: Callable[[], Awaitable[Stream]]
) -> Stream:
    """Return a stream that speaks TLS; `reach` makes one that is ready for it.

    Where the certificate fails, OpenSSL does not tell what was shown. So a second
    connection without verification collects the facts, and the failure stays.
    Raises ProbeFailed and OSError.
    """
    try:
        return await _speak(trial, wanted, reach, verify=wanted.settings.verify)
    except ssl.SSLCertVerificationError as error:
        failed = failures.of_tls(error)
    trial.facts["tls"] = {
        "verified": False,
        "verify_reason": str(failed.reason),
        "verify_message": str(failed),
    }
    with trial.aside(failed):
        (await _speak(trial, wanted, reach, verify=False)).close()
    raise failed


async def _speak(
    trial: Trial,
    wanted: Wanted,
    reach: Callable[[], Awaitable[Stream]],
    *,
    verify: bool,
) -> Stream:
    context = context_for(wanted.settings, verify=verify, alpn=wanted.alpn)
    stream = await reach()
    try:
        with trial.phase("tls"):
            session = await _shaken_hands(stream, context, wanted.server_name)
        _tell(trial, session, verified=verify)
    except BaseException:
        stream.close()
        raise
    return stream


async def _shaken_hands(
    stream: Stream, context: ssl.SSLContext, name: str
) -> ssl.SSLObject:
    try:
        return await stream.start_tls(context, name)
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        raise failures.of_tls(error) from error
    except ValueError as error:  # a name that TLS cannot carry
        raise _no_name(name, error) from error


def _no_name(name: str, error: ValueError) -> ProbeFailed:
    return ProbeFailed(Reason.WRONG_SETTINGS, f"{name!r} is no name for TLS: {error}")


def _tell(trial: Trial, session: ssl.SSLObject, *, verified: bool) -> None:
    """Add to the facts what a handshake showed.

    Whether it is `verified` is left out where nobody looked.
    """
    presented = shown_chain(session)
    cipher = session.cipher()
    facts: dict[str, Any] = {
        "version": (session.version() or "").replace("TLSv", "TLS "),
        "cipher": cipher[0] if cipher else "",
        **certificates.chain_facts(presented),
    }
    if verified:
        described = [certificates.describe(der) for der in _verified_chain(session)]
        facts |= {"verified": True, "verify_reason": "", "verify_message": ""}
        facts["chain_expiry"] = certificates.earliest_expiry(described)
    trial.facts["tls"] = trial.facts.get("tls", {}) | facts
    trial.certificate = certificates.fingerprint(presented[0]) if presented else ""
    trial.log.say(f"{facts['version']}, {facts['cipher']}, {len(presented)} shown")


def shown_chain(session: ssl.SSLObject) -> list[bytes]:
    """Return the certificates that the server showed, the leaf first, as DER."""
    return _chain(session, "get_unverified_chain")


def _verified_chain(session: ssl.SSLObject) -> list[bytes]:
    return _chain(session, "get_verified_chain")


def _chain(session: ssl.SSLObject, method: str) -> list[bytes]:
    # Public from Python 3.13 on, as bytes; before, the same method is one step below.
    found = getattr(session, method, None) or getattr(_below(session), method, None)
    if found is None:
        leaf = session.getpeercert(binary_form=True)
        return [leaf] if leaf else []
    return [
        one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes())
        for one in found() or ()
    ]


def _below(session: ssl.SSLObject) -> Any:
    return getattr(session, "_sslobj", None)
