"""Reads what certificates say of themselves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_NAMES: Final = 100
"""Alternative names that are told of one certificate; a result stays small."""


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate, in hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def describe(der: bytes) -> dict[str, Any]:
    """Return a certificate's facts; times are seconds since 1970.

    One that cannot be read has nothing but its `sha256` and an `error`.
    """
    facts: dict[str, Any] = {"sha256": fingerprint(der)}
    try:
        read = x509.load_der_x509_certificate(der)
        facts |= {
            "subject": read.subject.rfc4514_string(),
            "issuer": read.issuer.rfc4514_string(),
            "sans": _alternative_names(read),
            "serial": f"{read.serial_number:x}",
            "not_before": int(read.not_valid_before_utc.timestamp()),
            "not_after": int(read.not_valid_after_utc.timestamp()),
        }
    except ValueError as error:
        facts["error"] = str(error)
    return facts


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return []
    values = (getattr(name, "value", None) for name in found.value)
    return [str(value) for value in values if value is not None][:_MOST_NAMES]


def chain_facts(chain: Sequence[bytes]) -> dict[str, Any]:
    """Return what a presented chain says, the leaf first, as DER.

    `leaf_not_after` and `earliest_expiry` are left out where nothing could be read.
    """
    described = [describe(der) for der in chain]
    facts: dict[str, Any] = {"chain": described}
    if described and "not_after" in described[0]:
        facts["leaf_not_after"] = described[0]["not_after"]
    earliest = earliest_expiry(described)
    if earliest is not None:
        facts["earliest_expiry"] = earliest
    return facts


def earliest_expiry(described: Sequence[dict[str, Any]]) -> int | None:
    """Return when the first of these certificates ends, None if none says."""
    return min(
        (one["not_after"] for one in described if "not_after" in one), default=None
    )
