from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from exporter.otlp.trust import context
from tests.exporter.probes.authority import issue

if TYPE_CHECKING:
    from pathlib import Path


def test_without_files_the_system_is_trusted() -> None:
    made = context(None, None, None)
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert made.check_hostname


def test_only_the_authorities_of_a_file_are_trusted(tmp_path: Path) -> None:
    file, _ = issue("authority", ca=True).files(tmp_path, "authority")
    made = context(file, None, None)
    assert len(made.get_ca_certs()) == 1


def test_a_file_without_certificates_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    with pytest.raises(OSError, match=r"(?i)certificate"):
        context(tmp_path / "empty.pem", None, None)
    with pytest.raises(FileNotFoundError):
        context(tmp_path / "none.pem", None, None)


def test_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    me = issue("me")
    chain, _ = me.files(tmp_path, "me")
    locked = tmp_path / "locked.key"
    locked.write_bytes(me.encrypted_key())
    with pytest.raises(OSError):
        context(None, chain, locked)
