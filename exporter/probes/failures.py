"""Turns what the system and TLS complain about into reasons."""

from __future__ import annotations

import errno
import ssl
from typing import Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

_REASONS: Final = {
    errno.ECONNREFUSED: (Reason.REFUSED, "the connection was refused"),
    errno.ECONNRESET: (Reason.RESET, "the connection was reset"),
    errno.EPIPE: (Reason.RESET, "the connection was closed by the other side"),
    errno.ECONNABORTED: (Reason.RESET, "the connection was aborted"),
    errno.EHOSTUNREACH: (Reason.UNREACHABLE, "there is no way to the host"),
    errno.ENETUNREACH: (Reason.UNREACHABLE, "there is no route to the network"),
    errno.ENETDOWN: (Reason.UNREACHABLE, "the network is down"),
    errno.EHOSTDOWN: (Reason.UNREACHABLE, "the host is down"),
    errno.EPROTO: (Reason.UNREACHABLE, "a router complained"),
    errno.ETIMEDOUT: (Reason.TIMEOUT, "the kernel gave up waiting"),
    errno.EMSGSIZE: (Reason.TOO_BIG, "the message is too big for the way"),
    errno.EACCES: (Reason.NO_PERMISSION, "this host does not permit it"),
    errno.EPERM: (Reason.NO_PERMISSION, "this host does not permit it"),
    errno.EADDRNOTAVAIL: (
        Reason.WRONG_SETTINGS,
        "the source is no address of this host, or its ports are used up",
    ),
    errno.ENODEV: (Reason.WRONG_SETTINGS, "there is no such interface"),
}

_CERTIFICATE: Final = {
    9: Reason.CERTIFICATE_NOT_YET_VALID,
    10: Reason.CERTIFICATE_EXPIRED,
    62: Reason.CERTIFICATE_WRONG_NAME,
    64: Reason.CERTIFICATE_WRONG_NAME,
}
"""OpenSSL's X509_V_ERR_* that have a reason of their own; others are distrust."""

_TLS: Final = {
    "WRONG_VERSION_NUMBER": "the other side does not speak TLS here",
    "HTTP_REQUEST": "the other side speaks HTTP without TLS here",
    "UNSUPPORTED_PROTOCOL": "the other side only offers versions of TLS that are "
    "older than tls_settings.min_version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "no version of TLS is common to both sides",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the other side wants a certificate; set "
    "tls_settings.cert_file and key_file",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the other side refused the handshake; it may "
    "want a certificate or another name",
    "TLSV1_UNRECOGNIZED_NAME": "the other side does not know the name that was asked "
    "for; see tls_settings.server_name",
}


def of_system(error: OSError) -> ProbeFailed:
    """Return the failure that an error of a socket stands for."""
    if isinstance(error, ssl.SSLError):
        return of_tls(error)
    code = error.errno or 0
    reason, text = _REASONS.get(code, (Reason.SEND_FAILED, "the system failed"))
    return ProbeFailed(reason, f"{text} ({errno.errorcode.get(code, error)})")


def of_tls(error: ssl.SSLError) -> ProbeFailed:
    """Return the failure that an error of TLS stands for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = _CERTIFICATE.get(error.verify_code, Reason.CERTIFICATE_UNTRUSTED)
        return ProbeFailed(reason, f"the certificate fails: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ProbeFailed(Reason.TLS_FAILED, "the other side hung up within TLS")
    text = _TLS.get(error.reason or "", "TLS failed")
    return ProbeFailed(Reason.TLS_FAILED, f"{text} ({error.reason or error})")
