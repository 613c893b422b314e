"""The words for TLS and certificates, of whatever is spoken over it.

Certificates are told of even where they are not in order, and what is wrong is a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.blackbox.base import gauge
from exporter.collectors.base import Family
from runtime.probing.rules import host_name

if TYPE_CHECKING:
    from collections.abc import Iterable

EARLIEST: Final = gauge(
    "ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime"
)
LAST_CHAIN: Final = gauge(
    "ssl_last_chain_expiry_timestamp_seconds",
    "Returns last SSL chain expiry in timestamp",
)
LAST_CHAIN_INFO: Final = gauge(
    "ssl_last_chain_info",
    "Contains SSL leaf certificate information",
    "fingerprint_sha256",
    "subject",
    "issuer",
    "subjectalternative",
    "serialnumber",
)
LEAF: Final = gauge(
    "ssl_leaf_not_after_timestamp_seconds", "When the certificate itself ends."
)
VERIFIED: Final = gauge(
    "ssl_verified", "Whether the certificate is in order; if not, why.", "reason"
)
VERSION: Final = gauge(
    "tls_version_info", "Returns the TLS version used or NaN when unknown", "version"
)
CIPHER: Final = gauge(
    "tls_cipher_info", "Returns the TLS cipher negotiated during handshake", "cipher"
)


def of_tls(facts: dict[str, Any]) -> Iterable[Family]:
    """Yield what is said of a handshake and the certificates in it."""
    if facts.get("version"):
        yield Family(VERSION, [((_version(facts["version"]),), 1)])
    if facts.get("cipher"):
        yield Family(CIPHER, [((facts["cipher"],), 1)])
    if "verified" in facts:
        reason = facts.get("verify_reason", "")
        yield Family(VERIFIED, [((reason,), int(facts["verified"]))])
    for name, metric in (
        ("earliest_expiry", EARLIEST),
        ("chain_expiry", LAST_CHAIN),
        ("leaf_not_after", LEAF),
    ):
        if facts.get(name) is not None:
            yield metric.of(facts[name])
    if facts.get("chain"):
        yield Family(LAST_CHAIN_INFO, [(_leaf(facts["chain"][0]), 1)])


def _version(text: str) -> str:
    """Return `TLSv1.3`, `1.3` or `TLS 1.3` as the last of these."""
    return f"TLS {text.removeprefix('TLS').removeprefix('v').strip()}"


def _leaf(certificate: dict[str, Any]) -> tuple[str, ...]:
    """Return the labels of a certificate; one that cannot be read has few."""
    names = certificate.get("sans", ())
    return (
        certificate["sha256"],
        certificate.get("subject", ""),
        certificate.get("issuer", ""),
        ",".join(name for name in names if host_name(name.removeprefix("*."))),
        certificate.get("serial", ""),
    )
