from __future__ import annotations

import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes

from tests.exporter.probes.authority import DAY, NOW, issue, seconds, showing
from tests.exporter.probes.peers import finished, resetting, silent, unused_port
from tests.exporter.probes.trying import Names, Noting, said, tools, tried

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from tests.exporter.probes.authority import Issued, Pki
    from tests.exporter.probes.peers import Peers


@pytest.mark.setting("probes.modules.tls.tls_settings.ca_file")
def test_a_handshake_tells_the_chain_and_that_it_is_in_order(
    peers: Peers, pki: Pki
) -> None:
    middle = issue("Middle", pki.root, ca=True, ends=NOW + 30 * DAY)
    leaf = showing(issue("leaf", middle), middle)
    port = peers.serve(silent, leaf.context(pki.folder))
    result = tried("tls", f"good.test:{port}", tls_settings=pki.trust)
    assert result.reason == ""
    assert result.address == "127.0.0.1"
    assert list(result.phases) == ["resolve", "connect", "tls"]
    assert result.rtts == (result.phases["tls"],)
    assert 0 < sum(result.phases.values()) <= result.seconds
    sha256 = leaf.certificate.fingerprint(hashes.SHA256()).hex()
    assert result.certificate == sha256
    facts = result.facts["tls"]
    assert (facts["version"], facts["verified"]) == ("TLS 1.3", True)
    assert (facts["verify_reason"], facts["verify_message"]) == ("", "")
    assert facts["leaf_not_after"] == seconds(NOW + 90 * DAY)
    assert facts["earliest_expiry"] == seconds(NOW + 30 * DAY)
    assert facts["chain_expiry"] == seconds(NOW + 30 * DAY)
    shown = facts["chain"]
    assert [one["subject"] for one in shown] == ["CN=leaf", "CN=Middle"]
    assert shown[0]["issuer"] == "CN=Middle"
    assert shown[0]["sans"] == ["good.test", "127.0.0.1"]
    assert shown[0]["serial"] == f"{leaf.certificate.serial_number:x}"
    assert shown[0]["not_before"] == seconds(NOW - DAY)


def _flawed(flaw: str, root: Issued) -> Issued:
    middle = issue("Middle", root, ca=True)
    old = issue("Old", root, ca=True, begins=NOW - 9 * DAY, ends=NOW - DAY)
    return {
        "expired": lambda: issue(
            "leaf", root, begins=NOW - 9 * DAY, ends=NOW - timedelta(seconds=60)
        ),
        "expired above": lambda: showing(issue("leaf", old), old),
        "not yet valid": lambda: issue("leaf", root, begins=NOW + DAY),
        "another name": lambda: issue("leaf", root, names=("other.test",)),
        "no name": lambda: issue("good.test", root, names=()),
        "signed by itself": lambda: issue("leaf"),
        "of another authority": lambda: issue("leaf", issue("Other", ca=True)),
        "without the one between": lambda: issue("leaf", middle),
    }[flaw]()


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("expired", "certificate_expired"),
        ("expired above", "certificate_expired"),
        ("not yet valid", "certificate_not_yet_valid"),
        ("another name", "certificate_wrong_name"),
        ("no name", "certificate_wrong_name"),
        ("signed by itself", "certificate_untrusted"),
        ("of another authority", "certificate_untrusted"),
        ("without the one between", "certificate_untrusted"),
    ],
)
@pytest.mark.setting("probes.modules.tls.tls_settings.verify")
def test_a_certificate_that_fails_says_why_and_is_told_all_the_same(
    flaw: str, reason: str, peers: Peers, pki: Pki
) -> None:
    leaf = _flawed(flaw, pki.root)
    port = peers.serve(silent, leaf.context(pki.folder))
    trust = pki.trust
    result = tried("tls", f"good.test:{port}", tls_settings=trust)
    assert result.reason == reason
    facts = result.facts["tls"]
    assert facts["verified"] is False
    assert facts["verify_reason"] == reason
    assert facts["verify_message"] == result.message
    assert facts["leaf_not_after"] == seconds(leaf.certificate.not_valid_after_utc)
    assert "chain_expiry" not in facts
    sha256 = leaf.certificate.fingerprint(hashes.SHA256()).hex()
    assert result.certificate == facts["chain"][0]["sha256"] == sha256
    trust["verify"] = False
    unverified = tried("tls", f"good.test:{port}", tls_settings=trust)
    assert unverified.reason == ""
    assert "verified" not in unverified.facts["tls"]
    assert unverified.certificate == sha256


def test_a_cross_signed_chain_ends_with_its_best_path_not_with_what_is_shown(
    peers: Peers, pki: Pki
) -> None:
    gone = issue("Gone", ca=True, begins=NOW - 9 * DAY, ends=NOW - DAY)
    middle = issue("Middle", pki.root, ca=True)
    crossed = issue(
        "Root", gone, ca=True, begins=NOW - 8 * DAY, ends=NOW - DAY, key=pki.root.key
    )
    leaf = showing(issue("leaf", middle), middle, crossed)
    port = peers.serve(silent, leaf.context(pki.folder))
    result = tried("tls", f"good.test:{port}", tls_settings=pki.trust)
    assert result.reason == ""
    assert result.facts["tls"]["earliest_expiry"] == seconds(NOW - DAY)
    assert result.facts["tls"]["chain_expiry"] == seconds(NOW + 90 * DAY)


@pytest.mark.setting("probes.modules.tls.tls_settings.server_name")
def test_another_name_can_be_asked_for(peers: Peers, pki: Pki) -> None:
    context = pki.context(names=("other.test",))
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    port = peers.serve(silent, context)
    trust = pki.trust | {"server_name": "other.test"}
    assert tried("tls", f"127.0.0.1:{port}", tls_settings=trust).reason == ""
    assert asked == ["other.test"]


@pytest.mark.setting("probes.modules.tls.tls_settings.min_version")
@pytest.mark.parametrize(
    ("oldest", "reason"),
    [("1.3", "tls_failed"), ("1.2", "tls_failed"), ("1.1", "")],
)
def test_versions_older_than_wanted_are_not_agreed_to(
    oldest: str, reason: str, peers: Peers, pki: Pki
) -> None:
    context = pki.context()
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    port = peers.serve(silent, context)
    trust = pki.trust | {"min_version": oldest}
    result = tried("tls", f"good.test:{port}", tls_settings=trust)
    assert result.reason == reason, result.message
    if not reason:
        assert result.facts["tls"]["version"] == "TLS 1.1"


@pytest.mark.setting("probes.modules.tls.tls_settings.cert_file")
@pytest.mark.setting("probes.modules.tls.tls_settings.key_file")
def test_our_own_certificate_is_shown(peers: Peers, pki: Pki) -> None:
    context = pki.context()
    context.maximum_version = (
        ssl.TLSVersion.TLSv1_2
    )  # where refusal is in the handshake
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki.file)
    port = peers.serve(silent, context)
    chain, key = issue("me", pki.root).files(pki.folder, "me")
    trust = pki.trust
    without = tried("tls", f"good.test:{port}", tls_settings=trust)
    assert without.reason == "tls_failed"
    trust |= {"cert_file": str(chain), "key_file": str(key)}
    assert tried("tls", f"good.test:{port}", tls_settings=trust).reason == ""


@pytest.mark.parametrize("name", ["ca_file", "cert_file"])
def test_files_that_cannot_be_used_are_named(name: str, tmp_path: Path) -> None:
    trust = {name: str(tmp_path / "missing.pem")}
    result = tried("tls", "127.0.0.1:1", tls_settings=trust)
    assert result.reason == "wrong_settings"
    assert "missing.pem cannot be used: No such file" in result.message


@pytest.mark.setting("probes.modules.tls.port")
def test_the_destination_names_the_port_or_the_settings_do() -> None:
    guard = Noting("127.0.0.1")
    assert tried("tls", "127.0.0.1", tools(guard=guard)).reason == "not_allowed"
    tried("tls", "127.0.0.1", tools(guard=guard), port=993)
    tried("tls", "127.0.0.1:995", tools(guard=guard), port=993)
    tried("tls", "https://127.0.0.1:8443/x", tools(guard=guard))
    assert [port for _, _, port in guard.asked] == [443, 993, 995, 8443]


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 this is no TLS\r\n")
    await finished(reader, writer)


@pytest.mark.parametrize(
    ("handler", "reason", "words"),
    [
        (_plain, "tls_failed", "does not speak TLS here"),
        (finished, "tls_failed", "hung up within TLS"),
        (resetting, "reset", "reset"),
        (silent, "timeout", "within 200ms; the time ran out in phase tls"),
    ],
)
@pytest.mark.setting("probes.modules.tls.timeout")
def test_what_goes_wrong_in_a_handshake_has_a_reason(
    handler: Any, reason: str, words: str, peers: Peers
) -> None:
    timeout = "200ms" if handler is silent else "3s"
    result = tried("tls", f"127.0.0.1:{peers.serve(handler)}", timeout=timeout)
    assert (result.reason, result.rtts) == (reason, ())
    assert words in result.message
    assert f"failed: {result.message}" in said(result)


def test_a_refused_connection_and_an_unknown_name_have_reasons() -> None:
    assert tried("tls", f"127.0.0.1:{unused_port()}").reason == "refused"
    result = tried("tls", "unknown.test", tools(Names()))
    assert (result.reason, result.address) == ("not_resolved", "")
