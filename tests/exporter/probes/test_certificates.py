from __future__ import annotations

from cryptography.hazmat.primitives import serialization

from exporter.probes.certificates import chain_facts, describe, earliest_expiry
from tests.exporter.probes.authority import DAY, NOW, issue, seconds


def test_a_certificate_is_described() -> None:
    issued = issue("me", names=("a.test", "192.0.2.1")).certificate
    der = issued.public_bytes(serialization.Encoding.DER)
    facts = describe(der)
    assert facts["subject"] == facts["issuer"] == "CN=me"
    assert facts["sans"] == ["a.test", "192.0.2.1"]
    assert facts["not_before"] == seconds(NOW - DAY)
    assert facts["not_after"] == seconds(NOW + 90 * DAY)
    assert int(facts["serial"], 16) == issued.serial_number


def test_only_so_many_names_are_told() -> None:
    names = tuple(f"n{n}.test" for n in range(150))
    der = issue("me", names=names).certificate.public_bytes(serialization.Encoding.DER)
    assert describe(der)["sans"] == list(names[:100])


def test_what_cannot_be_read_has_a_fingerprint_and_no_time() -> None:
    facts = chain_facts([b"rubbish"])
    assert set(facts) == {"chain"}
    assert set(facts["chain"][0]) == {"sha256", "error"}
    assert chain_facts([]) == {"chain": []}
    assert earliest_expiry([{}, {"not_after": 2}, {"not_after": 1}]) == 1
    assert earliest_expiry([{}]) is None
