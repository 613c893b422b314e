from __future__ import annotations

import errno
import os
import ssl

import pytest

from exporter.probes.failures import of_system, of_tls


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EPIPE, "reset"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.EMSGSIZE, "too_big"),
        (errno.EPERM, "no_permission"),
        (errno.EACCES, "no_permission"),
        (errno.EADDRNOTAVAIL, "wrong_settings"),
        (errno.ENOBUFS, "send_failed"),
        (errno.EMFILE, "send_failed"),
    ],
)
def test_errors_of_the_system_have_a_reason_and_their_name(
    number: int, reason: str
) -> None:
    failed = of_system(OSError(number, os.strerror(number)))
    assert failed.reason == reason
    assert errno.errorcode[number] in str(failed)


def test_an_error_without_a_number_is_told_in_its_own_words() -> None:
    assert "odd thing" in str(of_system(OSError("odd thing")))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (9, "certificate_not_yet_valid"),
        (10, "certificate_expired"),
        (62, "certificate_wrong_name"),
        (64, "certificate_wrong_name"),
        (18, "certificate_untrusted"),
        (20, "certificate_untrusted"),
    ],
)
def test_what_openssl_finds_wrong_with_a_certificate_has_a_reason(
    code: int, reason: str
) -> None:
    error = ssl.SSLCertVerificationError(1, "failed")
    error.verify_code, error.verify_message = code, "words of OpenSSL"
    assert of_system(error).reason == reason
    assert "words of OpenSSL" in str(of_tls(error))
