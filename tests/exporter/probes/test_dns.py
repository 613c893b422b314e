from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.exporter.probes.peers import finished, resetting, silent, unused_port
from tests.exporter.probes.trying import Noting, said, tools, tried

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Handler, Peers

RECORDS = {
    ("many.test.", "A"): [("many.test.", "A", f"192.0.2.{n}") for n in range(1, 4)],
    ("one.test.", "A"): [
        ("one.test.", "CNAME", "other.test."),
        ("other.test.", "A", "192.0.2.9"),
    ],
    ("one.test.", "TXT"): [("one.test.", "TXT", '"a b"')],
    ("one.test.", "SOA"): [("one.test.", "SOA", "ns. mail. 2026112101 1 2 3 4")],
    ("xn--bcher-kva.test.", "A"): [("xn--bcher-kva.test.", "A", "192.0.2.7")],
}


class Server:
    """A name server; `asked` are the questions."""

    def __init__(self, *, truncates: bool = False, forges: bool = False) -> None:
        self.truncates = truncates
        self.forges = forges
        self.asked: list[dns.message.Message] = []

    def answer(self, wire: bytes) -> dns.message.Message:
        query = dns.message.from_wire(wire)
        self.asked.append(query)
        answer = dns.message.make_response(query)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text()
        if name == "missing.test.":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for owner, rtype, text in RECORDS.get((name, kind), []):
            rrset = dns.rrset.from_text(owner, 300, question.rdclass, rtype, text)
            answer.answer.append(rrset)
        ns = dns.rrset.from_text("test.", 60, "IN", "NS", "ns.test.")
        glue = dns.rrset.from_text("ns.test.", 60, "IN", "A", "192.0.2.53")
        answer.authority.append(ns)
        answer.additional.append(glue)
        return answer

    def udp(self, wire: bytes) -> list[bytes]:
        answer = self.answer(wire)
        if self.truncates:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        right = answer.to_wire()
        answer.id ^= 1
        return [b"\0", answer.to_wire(), right] if self.forges else [right]

    async def tcp(self, reader: Any, writer: Any) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        wire = self.answer(await reader.readexactly(size)).to_wire()
        writer.write(struct.pack("!H", len(wire)) + wire)
        await finished(reader, writer)


@pytest.mark.setting("probes.modules.dns.kind")
@pytest.mark.setting("probes.modules.dns.name")
@pytest.mark.setting("probes.modules.dns.query")
def test_an_answer_is_counted_and_timed(peers: Peers) -> None:
    server = Server()
    port = peers.datagrams(server.udp)
    result = tried("dns", f"127.0.0.1:{port}", query="one.test")
    assert (result.reason, result.kind, result.probe) == ("", "dns", "m")
    assert list(result.phases) == ["resolve", "connect", "request"]
    assert result.rtts == (result.phases["request"],)
    assert result.facts == {
        "succeeded": True,
        "rcode": "NOERROR",
        "answers": 2,
        "authority": 1,
        "additional": 1,
        "truncated": False,
        "records": [
            "one.test.\t300\tIN\tCNAME\tother.test.",
            "other.test.\t300\tIN\tA\t192.0.2.9",
        ],
    }


def test_names_beyond_ascii_are_asked_for_as_they_must_be(peers: Peers) -> None:
    port = peers.datagrams(Server().udp)
    result = tried("dns", f"127.0.0.1:{port}", query="Bücher.test")
    assert result.facts["answers"] == 1


@pytest.mark.setting("probes.modules.dns.record_type")
@pytest.mark.setting("probes.modules.dns.record_class")
@pytest.mark.setting("probes.modules.dns.recursion")
def test_any_type_and_class_can_be_asked_for(peers: Peers) -> None:
    server = Server()
    port = peers.datagrams(server.udp)
    soa = tried("dns", f"127.0.0.1:{port}", query="one.test", record_type="SOA")
    assert soa.facts["serial"] == 2026112101
    txt = tried(
        "dns",
        f"127.0.0.1:{port}",
        query="one.test",
        record_type="TXT",
        record_class="CH",
        recursion=False,
    )
    assert txt.facts["records"] == ['one.test.\t300\tCH\tTXT\t"a b"']
    assert [bool(one.flags & dns.flags.RD) for one in server.asked] == [True, False]
    assert server.asked[0].id != server.asked[1].id


@pytest.mark.setting("probes.modules.dns.transport")
@pytest.mark.setting("probes.modules.dns.tls_settings.ca_file")
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_servers_are_asked_over_connections(
    transport: str, peers: Peers, pki: Pki
) -> None:
    context = pki.context() if transport == "tls" else None
    port = peers.serve(Server().tcp, context)
    result = tried(
        "dns",
        f"good.test:{port}",
        query="one.test",
        transport=transport,
        tls_settings=pki.trust,
    )
    assert result.reason == "", result.message
    assert result.facts["answers"] == 2
    assert ("tls" in result.facts) == (transport == "tls")


def test_a_server_whose_certificate_fails_is_not_asked(peers: Peers, pki: Pki) -> None:
    server = Server()
    port = peers.serve(server.tcp, pki.context())
    result = tried("dns", f"good.test:{port}", query="one.test", transport="tls")
    assert result.reason == "certificate_untrusted"
    assert result.facts["tls"]["chain"][0]["subject"] == "CN=leaf"
    assert (server.asked, result.facts["succeeded"]) == ([], False)


def test_a_truncated_answer_is_asked_for_again_over_tcp(peers: Peers) -> None:
    server = Server(truncates=True)
    port = peers.serve(server.tcp)
    assert peers.datagrams(server.udp, port) == port
    result = tried("dns", f"127.0.0.1:{port}", query="many.test")
    assert result.reason == "", result.message
    assert (result.facts["truncated"], result.facts["answers"]) == (True, 3)
    assert "asking again over TCP" in said(result)


def test_answers_to_other_questions_are_passed_over(peers: Peers) -> None:
    port = peers.datagrams(Server(forges=True).udp)
    result = tried("dns", f"127.0.0.1:{port}", query="many.test")
    assert (result.reason, result.facts["answers"]) == ("", 3)
    assert "answer to another question" in said(result)
    assert "is no message" in said(result)


@pytest.mark.setting("probes.modules.dns.rcodes")
@pytest.mark.parametrize(
    ("wanted", "reason"),
    [(["NOERROR"], "wrong_rcode"), (["NOERROR", "NXDOMAIN"], "")],
)
def test_the_response_code_is_a_wanted_one(
    wanted: list[str], reason: str, peers: Peers
) -> None:
    port = peers.datagrams(Server().udp)
    result = tried("dns", f"127.0.0.1:{port}", query="missing.test", rcodes=wanted)
    assert (result.reason, result.facts["rcode"]) == (reason, "NXDOMAIN")
    assert result.facts["succeeded"] is True


@pytest.mark.setting("probes.modules.dns.answer_matches")
@pytest.mark.setting("probes.modules.dns.answer_lacks")
@pytest.mark.setting("probes.modules.dns.authority_matches")
@pytest.mark.setting("probes.modules.dns.authority_lacks")
@pytest.mark.setting("probes.modules.dns.additional_matches")
@pytest.mark.setting("probes.modules.dns.additional_lacks")
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"answer_matches": [r"192\.0\.2\.[12]$", r"\tA\t.*3$"]}, ""),
        ({"answer_matches": [r"192\.0\.2\.[12]$"]}, "answer_mismatch"),
        ({"answer_lacks": [r"192\.0\.2\.[45]$"]}, ""),
        ({"answer_lacks": [r"x", r"192\.0\.2\.2$"]}, "answer_mismatch"),
        ({"authority_matches": ["NS\tns.test.$"]}, ""),
        ({"authority_matches": ["SOA"]}, "answer_mismatch"),
        ({"authority_lacks": ["ns.test"]}, "answer_mismatch"),
        ({"additional_matches": ["^ns.test.\t60\tIN\tA\t192.0.2.53$"]}, ""),
        ({"additional_matches": ["AAAA"]}, "answer_mismatch"),
        ({"additional_lacks": ["53"]}, "answer_mismatch"),
        ({"query": "none.test", "answer_lacks": ["."]}, ""),
        ({"query": "none.test", "answer_matches": ["."]}, "answer_mismatch"),
    ],
)
def test_records_are_matched(
    settings: dict[str, Any], reason: str, peers: Peers
) -> None:
    port = peers.datagrams(Server().udp)
    result = tried("dns", f"127.0.0.1:{port}", **{"query": "many.test", **settings})
    assert result.reason == reason, result.message


@pytest.mark.setting("probes.modules.dns.port")
def test_the_destination_names_the_port_or_the_settings_do() -> None:
    guard = Noting("127.0.0.1")
    using = tools(guard=guard)
    for host, settings in (
        ("127.0.0.1", {}),
        ("127.0.0.1", {"transport": "tls"}),
        ("127.0.0.1", {"port": 54}),
        ("127.0.0.1:55", {"port": 54}),
    ):
        result = tried("dns", host, using, query="x", **settings)
        assert result.reason == "not_allowed"
    assert [port for _, _, port in guard.asked] == [53, 853, 54, 55]


def says(data: bytes) -> Handler:
    async def handler(reader: Any, writer: Any) -> None:
        await reader.read(2)
        writer.write(data)
        await finished(reader, writer)

    return handler


@pytest.mark.parametrize(
    ("peer", "reason"),
    [
        (says(b"\0"), "reset"),
        (says(b"\0\x20half"), "reset"),
        (says(b"\0\x04text"), "protocol_error"),
        (says(b"\0\x0c" + bytes(12)), "protocol_error"),
        (resetting, "reset"),
        (silent, "timeout"),
    ],
)
@pytest.mark.setting("probes.modules.dns.timeout")
def test_connections_without_an_answer_have_a_reason(
    peer: Any, reason: str, peers: Peers
) -> None:
    timeout = "200ms" if peer is silent else "3s"
    port = peers.serve(peer)
    result = tried(
        "dns", f"127.0.0.1:{port}", query="x", transport="tcp", timeout=timeout
    )
    assert result.reason == reason, result.message
    assert result.facts == {"succeeded": False}


def test_datagrams_without_an_answer_have_a_reason(peers: Peers) -> None:
    lost = peers.datagrams(lambda _: [])
    result = tried("dns", f"127.0.0.1:{lost}", query="x", timeout="200ms")
    assert result.reason == "timeout"
    assert result.message.endswith("phase request")
    refused = tried("dns", f"127.0.0.1:{unused_port()}", query="x")
    assert refused.reason == "refused"
    wrong = tried("dns", "127.0.0.1:1", query="a" * 64)
    assert wrong.reason == "wrong_settings"
