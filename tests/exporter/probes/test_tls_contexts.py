from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.tls_contexts import context_for
from runtime.probing.probes import TlsSettings
from tests.exporter.probes.authority import issue

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki


def test_a_context_is_kept_until_its_files_change(pki: Pki) -> None:
    settings = TlsSettings(ca_file=str(pki.file))
    first = context_for(settings, verify=True)
    assert context_for(settings, verify=True) is first
    assert context_for(settings, verify=False) is not first
    assert context_for(settings, verify=True, alpn=("h2",)) is not first
    issue("Next", ca=True).files(pki.folder, "root")
    os.utime(pki.file, ns=(1, 1))  # however coarse the stamps of the filesystem are
    after = context_for(settings, verify=True)
    (subject,) = [one["subject"] for one in after.get_ca_certs()]
    assert subject == ((("commonName", "Next"),),)


def test_certificates_and_names_are_required_or_not_at_all() -> None:
    strict = context_for(TlsSettings(), verify=True)
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert strict.minimum_version == ssl.TLSVersion.TLSv1_2
    loose = context_for(TlsSettings(), verify=False)
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)


def test_a_key_with_a_password_is_refused_and_not_asked_for(pki: Pki) -> None:
    chain, key = pki.own_files()
    text = pki.root.encrypted_key()
    key.write_bytes(text)
    settings = TlsSettings(cert_file=str(chain), key_file=str(key))
    with pytest.raises(ProbeFailed, match="cannot be used") as raised:
        context_for(settings, verify=False)
    assert raised.value.reason == "wrong_settings"
