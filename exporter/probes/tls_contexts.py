"""Makes TLS contexts from settings, and keeps them while their files stay the same."""

from __future__ import annotations

import functools
import ssl
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from runtime.probing.probes import TlsSettings

_VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_OBSOLETE: Final = ("1.0", "1.1")


def context_for(
    settings: TlsSettings, *, verify: bool, alpn: tuple[str, ...] = ()
) -> ssl.SSLContext:
    """Return the context of these settings; raise ProbeFailed with WRONG_SETTINGS.

    Loading the system's authorities takes a hundredth of a second, so contexts are
    kept until one of their files changes.
    """
    system = ssl.get_default_verify_paths()
    named = (settings.ca_file, settings.cert_file, settings.key_file)
    files = tuple(file for file in (*named, system.cafile, system.capath) if file)
    return _kept(settings, verify, alpn, tuple(_stamp(file) for file in files))


@functools.lru_cache(maxsize=64)
def _kept(
    settings: TlsSettings,
    verify: bool,  # noqa: FBT001 - lru_cache counts keywords in another order apart
    alpn: tuple[str, ...],
    _stamps: tuple[int, ...],
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Many servers end without TLS's farewell; lengths are checked by the protocols.
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    context.check_hostname = verify
    # Names stand in the alternative names (RFC 9525); browsers look nowhere else.
    context.hostname_checks_common_name = False
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    _set_oldest(context, settings.min_version)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if verify:
        _load_authorities(context, settings.ca_file)
    _load_own(context, settings)
    return context


def _stamp(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


def _set_oldest(context: ssl.SSLContext, version: str) -> None:
    if version not in _OBSOLETE:
        context.minimum_version = _VERSIONS[version]
        return
    with warnings.catch_warnings():
        # Whoever allows what is deprecated wants to know whether it still works.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[version]
    # OpenSSL has them below its lowest level of security only.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")


def _load_authorities(context: ssl.SSLContext, file: str) -> None:
    if not file:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise _unusable("ca_file", file, error) from error


def _load_own(context: ssl.SSLContext, settings: TlsSettings) -> None:
    if not settings.cert_file:
        return
    try:
        context.load_cert_chain(
            settings.cert_file,
            settings.key_file or None,
            # Without a password OpenSSL would ask for one on the terminal.
            password="",
        )
    except (OSError, ValueError) as error:
        name = settings.key_file or settings.cert_file
        raise _unusable("cert_file, key_file", name, error) from error


def _unusable(key: str, file: str, error: Exception) -> ProbeFailed:
    why = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
    return ProbeFailed(
        Reason.WRONG_SETTINGS, f"tls_settings.{key}: {file} cannot be used: {why}"
    )
