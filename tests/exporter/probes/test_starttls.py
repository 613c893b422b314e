from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.authority import issue
from tests.exporter.probes.peers import finished
from tests.exporter.probes.trying import said, tried

if TYPE_CHECKING:
    import asyncio
    import ssl

    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Handler, Peers


def conversation(script: list[bytes], context: ssl.SSLContext | None) -> Handler:
    """Say and expect in turn, then go over to TLS; what is expected ends a line."""

    async def handler(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for place, line in enumerate(script):
            if place % 2:
                assert await reader.readexactly(len(line)) == line
            elif line:
                writer.write(line)
                await writer.drain()
        if context:
            await writer.start_tls(context)
        await reader.read(1)

    return handler


SCRIPTS = {
    "smtp": [
        b"220-welcome\r\n220 mail.test ESMTP\r\n",
        b"EHLO epimetheus.invalid\r\n",
        b"250-mail.test\r\n250-SIZE\r\n250 STARTTLS\r\n",
        b"STARTTLS\r\n",
        b"220 go on\r\n",
    ],
    "imap": [
        b"* OK ready\r\n",
        b"a1 STARTTLS\r\n",
        b"* CAPABILITY IMAP4rev1\r\na1 OK go on\r\n",
    ],
    "pop3": [b"+OK ready\r\n", b"STLS\r\n", b"+OK go on\r\n"],
    "ftp": [b"220 files\r\n", b"AUTH TLS\r\n", b"234 go on\r\n"],
    "postgres": [b"", b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S"],
}


@pytest.mark.setting("probes.modules.tls.starttls")
@pytest.mark.parametrize("protocol", SCRIPTS)
def test_tls_is_asked_for_in_the_words_of_a_protocol(
    protocol: str, peers: Peers, pki: Pki
) -> None:
    context = pki.context()
    port = peers.serve(conversation(SCRIPTS[protocol], context))
    trust = pki.trust
    result = tried("tls", f"good.test:{port}", starttls=protocol, tls_settings=trust)
    assert result.reason == "", result.message
    assert list(result.phases) == ["resolve", "connect", "starttls", "tls"]
    assert result.facts["tls"]["verified"] is True


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_a_bad_certificate_is_looked_at_in_a_second_conversation(
    protocol: str, peers: Peers, pki: Pki
) -> None:
    context = issue("leaf").context(pki.folder)
    port = peers.serve(conversation(SCRIPTS[protocol], context))
    trust = pki.trust
    result = tried("tls", f"good.test:{port}", starttls=protocol, tls_settings=trust)
    assert result.reason == "certificate_untrusted"
    assert result.facts["tls"]["chain"][0]["subject"] == "CN=leaf"


SMTP = SCRIPTS["smtp"]


@pytest.mark.parametrize(
    ("protocol", "script", "reason", "words"),
    [
        ("smtp", [*SMTP[:4], b"454 not now\r\n"], "tls_missing", "'454 not now'"),
        ("smtp", [b"554 go away\r\n"], "not_expected", "'554 go away'"),
        ("smtp", [b"+OK ready\r\n220 \r\n5"], "not_expected", "hung up"),
        ("smtp", [*SMTP[:4], b"220 x\r\n250 evil\r\n"], "protocol_error", "before TLS"),
        ("imap", [b"+OK ready\r\n"], "not_expected", "greeting as imap"),
        (
            "imap",
            [b"* OK\r\n", b"a1 STARTTLS\r\n", b"a1 BAD\r\n"],
            "tls_missing",
            "BAD",
        ),
        ("pop3", [b"+OK\r\n", b"STLS\r\n", b"-ERR no\r\n"], "tls_missing", "-ERR no"),
        ("ftp", [b"220 x\r\n", b"AUTH TLS\r\n", b"500 x\r\n"], "tls_missing", "500 x"),
        ("postgres", [b"", SCRIPTS["postgres"][1], b"N"], "tls_missing", "not offer"),
        ("postgres", [b"", SCRIPTS["postgres"][1], b"E"], "not_expected", "'E'"),
        ("smtp", [b"220" + b"x" * 70_000 * 2], "too_large", "longer lines"),
    ],
)
def test_servers_that_do_not_go_over_to_tls_are_told_apart(
    protocol: str, script: list[bytes], reason: str, words: str, peers: Peers
) -> None:
    async def handler(reader: Any, writer: Any) -> None:
        for place, line in enumerate(script):
            if place % 2:
                await reader.readexactly(len(line))
            else:
                writer.write(line)
                await writer.drain()
        await finished(reader, writer)

    port = peers.serve(handler)
    result = tried("tls", f"127.0.0.1:{port}", starttls=protocol)
    assert result.reason == reason, result.message
    assert words in result.message
    assert "tls" not in result.facts
    assert said(result).endswith(result.message)
