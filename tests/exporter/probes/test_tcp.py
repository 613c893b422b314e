from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.tcp import expand
from tests.exporter.probes.authority import issue
from tests.exporter.probes.peers import finished, resetting, silent, unused_port
from tests.exporter.probes.test_starttls import SCRIPTS, conversation
from tests.exporter.probes.trying import Names, Noting, said, tools, tried

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Handler, Peers


def saying(*lines: bytes, then: bytes = b"") -> Handler:
    """Say lines; answer each line that comes with `then` and that line, in capitals."""

    async def handler(reader: Any, writer: Any) -> None:
        writer.write(b"".join(lines))
        while then and (line := await reader.readline()):
            writer.write(then + line.upper())
            await writer.drain()
        await finished(reader, writer)

    return handler


@pytest.mark.setting("probes.modules.tcp.kind")
@pytest.mark.setting("probes.modules.tcp.name")
def test_a_connection_is_timed(peers: Peers) -> None:
    port = peers.serve(silent)
    result = tried("tcp", f"127.0.0.1:{port}")
    assert (result.reason, result.kind, result.probe) == ("", "tcp", "m")
    assert result.destination == "somewhere"
    assert list(result.phases) == ["resolve", "connect"]
    assert result.rtts == (result.phases["connect"],)
    assert result.facts == {"port": port, "matched": 0}


@pytest.mark.setting("probes.modules.tcp.port")
def test_the_destination_names_the_port_or_the_settings_do(peers: Peers) -> None:
    port = peers.serve(silent)
    assert tried("tcp", "127.0.0.1", port=port).reason == ""
    assert tried("tcp", f"127.0.0.1:{port}", port=1).facts["port"] == port
    nowhere = tried("tcp", "127.0.0.1")
    assert nowhere.reason == "wrong_settings"
    assert "names no port" in nowhere.message


@pytest.mark.setting("probes.modules.tcp.exchanges.expect")
@pytest.mark.setting("probes.modules.tcp.exchanges.send")
def test_a_conversation_goes_on_from_what_was_matched(peers: Peers) -> None:
    port = peers.serve(saying(b"junk\r\n", b"hello (bob) 17\r\n", then=b"> "))
    result = tried(
        "tcp",
        f"127.0.0.1:{port}",
        exchanges=[
            {
                "expect": r"^hello \((?P<who>\w+)\) (\d+)$",
                "send": r"bye \1 \2 \\ secret",
            },
            {"expect": r"^> BYE BOB 17 \\ "},
        ],
    )
    assert result.reason == "", result.message
    assert result.facts["matched"] == 2
    assert result.facts["groups"] == {"who": "bob"}
    assert list(result.phases) == ["resolve", "connect", "exchanges"]
    assert "sent 20 bytes" in said(result)
    assert "bye" not in said(result)


@pytest.mark.parametrize(
    ("handler", "reason", "words"),
    [
        (saying(b"one\n", b"two"), "not_expected", "the last line was 'two'"),
        (saying(), "not_expected", "it said nothing"),
        (saying(b"other\n", then=b" "), "timeout", "waiting for a line that matches"),
        (saying(*[b"x" * 99 + b"\n"] * 20_000), "too_large", "says more"),
        (resetting, "reset", "reset"),
    ],
)
@pytest.mark.setting("probes.modules.tcp.timeout")
def test_what_is_not_said_has_a_reason(
    handler: Any, reason: str, words: str, peers: Peers
) -> None:
    result = tried(
        "tcp",
        f"127.0.0.1:{peers.serve(handler)}",
        exchanges=[{"send": "go"}, {"expect": "^never$"}],
        timeout="300ms" if reason == "timeout" else "3s",
    )
    assert result.reason == reason, result.message
    assert words in result.message
    assert result.facts["matched"] == 0


@pytest.mark.parametrize("text", [r"a \1", r"\3"])
def test_groups_that_are_not_there_are_wrong_settings(text: str, peers: Peers) -> None:
    port = peers.serve(saying(b"x\n", then=b" "))
    exchanges = [{"expect": "x", "send": text}]
    result = tried("tcp", f"127.0.0.1:{port}", exchanges=exchanges)
    assert (result.reason, result.facts["matched"]) == ("wrong_settings", 1)


def test_text_without_references_is_sent_as_it_is() -> None:
    assert expand(r"a \x \\1 $1 é", None) == r"a \x \1 $1 é".encode()


@pytest.mark.setting("probes.modules.tcp.tls")
@pytest.mark.setting("probes.modules.tcp.tls_settings.ca_file")
def test_tls_is_spoken_from_the_start(peers: Peers, pki: Pki) -> None:
    handler = saying(b"hello\r\n", then=b"+")
    port = peers.serve(handler, pki.context())
    result = tried(
        "tcp",
        f"good.test:{port}",
        tls=True,
        tls_settings=pki.trust,
        exchanges=[{"expect": "^hello$", "send": "x"}, {"expect": r"^\+X"}],
    )
    assert result.reason == "", result.message
    assert list(result.phases) == ["resolve", "connect", "tls", "exchanges"]
    assert result.facts["tls"]["verified"] is True
    assert result.certificate == result.facts["tls"]["chain"][0]["sha256"]


SMTP_EXCHANGES = [
    {"expect": "^220 "},
    {"send": "EHLO epimetheus.invalid\r"},
    {"expect": "^250.STARTTLS", "send": "STARTTLS\r"},
    {"expect": "^220 ", "starttls": True},
    {"send": "QUIT\r"},
]


@pytest.mark.setting("probes.modules.tcp.exchanges.starttls")
@pytest.mark.parametrize("trusted", [True, False])
def test_a_conversation_goes_over_to_tls(
    trusted: bool,  # noqa: FBT001
    peers: Peers,
    pki: Pki,
) -> None:
    leaf = issue("leaf", pki.root if trusted else None)
    port = peers.serve(conversation(SCRIPTS["smtp"], leaf.context(pki.folder)))
    trust = pki.trust
    result = tried(
        "tcp", f"good.test:{port}", exchanges=SMTP_EXCHANGES, tls_settings=trust
    )
    assert result.reason == ("" if trusted else "certificate_untrusted")
    assert result.facts["matched"] == 3
    assert result.facts["tls"]["verified"] is trusted
    assert result.facts["tls"]["chain"][0]["subject"] == "CN=leaf"


def test_tls_cannot_be_gone_over_to_twice(peers: Peers) -> None:
    twice = [{"starttls": True}, {"starttls": True}]
    result = tried("tcp", f"127.0.0.1:{peers.serve(silent)}", exchanges=twice)
    assert result.reason == "wrong_settings"


def test_a_port_where_nobody_listens_refuses() -> None:
    result = tried("tcp", f"127.0.0.1:{unused_port()}")
    assert (result.reason, result.rtts) == ("refused", ())
    assert result.message == "the connection was refused (ECONNREFUSED)"


def test_the_guard_sees_the_address_before_it_is_used(peers: Peers) -> None:
    connected: list[bool] = []

    async def handler(reader: Any, writer: Any) -> None:
        connected.append(True)

    port = peers.serve(handler)
    guard = Noting("127.0.0.1")
    result = tried("tcp", f"good.test:{port}", tools(guard=guard))
    assert result.reason == "not_allowed"
    assert guard.asked == [("good.test", "127.0.0.1", port)]
    assert connected == []


def test_a_name_that_takes_too_long_says_so() -> None:
    slow = tools(Names(slow_test=()))
    result = tried("tcp", "slow.test:1", slow, timeout="100ms")
    assert result.reason == "timeout"
    assert result.message.endswith("the time ran out in phase resolve")
