from __future__ import annotations

from typing import Any

import pytest

from runtime.probing.probes import DnsProbe
from tests.exporter.blackbox.results import told


def test_several_echo_requests_are_told_with_loss_and_spread() -> None:
    spread = {"jitter": 0.25, "percentiles": {"50": 0.5, "99": 1.0}}
    facts = {"duplicates": 1, "late": 2, "ttl": 63, **spread}
    found = told("icmp", sent=4, received=2, rtts=(0.5, None, 1.0, None), facts=facts)
    assert found["probe_icmp_duration_seconds"][("rtt",)] == 0.75
    assert found["probe_icmp_requests"] == {(): 4}
    assert found["probe_icmp_replies"] == {(): 2}
    assert found["probe_icmp_loss_ratio"] == {(): 0.5}
    assert found["probe_icmp_jitter_seconds"] == {(): 0.25}
    assert found["probe_icmp_reply_hop_limit"] == {(): 63}
    assert found["probe_icmp_rtt_seconds"] == {("50",): 0.5, ("99",): 1.0}
    assert found["probe_icmp_odd_replies"] == {
        ("corrupt",): 0,
        ("duplicate",): 1,
        ("late",): 2,
    }


def test_the_beats_of_the_prober_are_no_part_of_a_single_request() -> None:
    spent: dict[str, Any] = {"sent": 1, "phases": {"resolve": 0.125}, "seconds": 0.5}
    answered = told("icmp", received=1, rtts=(0.25,), **spent)
    assert answered["probe_duration_seconds"] == {(): 0.375}
    lost = told("icmp", reason="timeout", rtts=(None,), **spent)
    assert lost["probe_duration_seconds"] == {(): 0.5}


def test_without_a_reply_there_is_no_spread() -> None:
    found = told("icmp", sent=1, reason="timeout", rtts=(None,))
    assert found["probe_icmp_duration_seconds"][("rtt",)] == 0
    assert found["probe_icmp_loss_ratio"] == {(): 1}
    for name in ("reply_hop_limit", "jitter_seconds", "rtt_seconds"):
        assert f"probe_icmp_{name}" not in found


def test_what_the_other_side_said_becomes_labels() -> None:
    found = told("tcp", facts={"groups": {"software": "OpenSSH", "version": "9.2"}})
    assert found["probe_expect_info"] == {("OpenSSH", "9.2"): 1}
    assert found["probe_failed_due_to_regex"] == {(): 0}
    assert told("tcp", reason="not_expected")["probe_failed_due_to_regex"] == {(): 1}


def test_serials_are_told_where_they_were_asked_for() -> None:
    soa = DnsProbe(name="soa", kind="dns", query="example.org", record_type="SOA")
    found = told("dns", settings=soa, facts={"serial": 2026, "answers": 1})
    assert found["probe_dns_serial"] == {(): 2026}
    assert found["probe_dns_answer_rrs"] == {(): 1}
    a = DnsProbe(name="a", kind="dns", query="example.org")
    assert "probe_dns_serial" not in told("dns", settings=a)


@pytest.mark.parametrize("version", ["TLSv1.3", "TLS 1.3", "1.3"])
def test_certificates_are_told_with_what_is_wrong_with_them(version: str) -> None:
    leaf = {
        "sha256": "ab",
        "subject": "CN=it",
        "issuer": "CN=CA",
        "sans": ["it.example.org", "*.example.net", "192.0.2.1", "me@example.org"],
        "serial": "1f",
    }
    tls = {
        "version": version,
        "cipher": "AES",
        "verified": False,
        "verify_reason": "certificate_expired",
        "leaf_not_after": 5,
        "earliest_expiry": 4,
        "chain": [leaf],
    }
    found = told("tls", facts={"tls": tls})
    assert found["probe_tls_version_info"] == {("TLS 1.3",): 1}
    assert found["probe_tls_cipher_info"] == {("AES",): 1}
    assert found["probe_ssl_verified"] == {("certificate_expired",): 0}
    assert found["probe_ssl_leaf_not_after_timestamp_seconds"] == {(): 5}
    assert found["probe_ssl_earliest_cert_expiry"] == {(): 4}
    names = "it.example.org,*.example.net"
    assert found["probe_ssl_last_chain_info"] == {
        ("ab", "CN=it", "CN=CA", names, "1f"): 1
    }
    assert "probe_ssl_last_chain_expiry_timestamp_seconds" not in found


def test_certificates_that_cannot_be_read_have_a_hash_at_least() -> None:
    found = told("tls", facts={"tls": {"chain": [{"sha256": "ab", "error": "odd"}]}})
    assert found["probe_ssl_last_chain_info"] == {("ab", "", "", "", ""): 1}
    assert "probe_ssl_verified" not in found


def test_ways_are_told_hop_by_hop() -> None:
    silent = {"ttl": 1, "addresses": [], "sent": 3, "received": 0, "rtts": [None] * 3}
    last = {"ttl": 2, "addresses": ["::1"], "sent": 2, "received": 1}
    last["rtts"] = [0.5, None]
    found = told(
        "traceroute", route="00ff", facts={"hops": [silent, last], "length": 2}
    )
    assert found["probe_route_hops"] == {(): 2}
    assert found["probe_route_info"] == {("00ff",): 1}
    assert found["probe_hop_rtt_seconds"] == {("2",): 0.5}
    assert found["probe_hop_loss_ratio"] == {("1",): 1, ("2",): 0.5}


def test_downloads_are_told_with_their_rate() -> None:
    found = told("throughput", facts={"rate": 1000.0, "bytes": 500})
    assert found["probe_throughput_bytes_per_second"] == {(): 1000}
    assert found["probe_throughput_bytes"] == {(): 500}
