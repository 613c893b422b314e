from __future__ import annotations

from typing import Any

import pytest

from bridge.probing.sound_facts import LARGEST, wrong_facts
from tests.bridge.probing.runs import NOON_MS

CERTIFICATE = {
    "sha256": "ab" * 32,
    "subject": "CN=example.org",
    "sans": ["example.org"],
    "not_before": NOON_MS // 1000,
    "not_after": NOON_MS // 1000 + 86400,
}
SESSION = {
    "version": "TLSv1.3",
    "leaf_not_after": NOON_MS // 1000 + 86400,
    "chain_expiry": None,
    "chain": [CERTIFICATE],
}


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"ttl": 64, "duplicates": 1, "jitter": 0.0001, "unreachable": {"host": 2}},
        {"reached": True, "hops": [{"ttl": 1, "addresses": ["192.0.2.1"]}, {"ttl": 2}]},
        {"status": 200, "tls": SESSION},
        SESSION,
        {"tls": None, "hops": None},
    ],
)
def test_what_probes_tell_is_sound(facts: dict[str, Any]) -> None:
    assert list(wrong_facts(facts)) == []


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        ("facts: are", {"text": "x" * LARGEST}),
        ("facts.jitter", {"jitter": "soon"}),
        ("facts.jitter", {"jitter": True}),
        ("facts.jitter", {"jitter": -1}),
        ("facts.jitter", {"jitter": float("nan")}),
        ("facts.hops", {"hops": "abc"}),
        ("facts.hops", {"hops": ["abc"]}),
        ("facts.hops", {"hops": [{"addresses": [1, 2]}]}),
        ("facts.hops", {"hops": [{"addresses": "abc"}]}),
        ("facts.tls:", {"tls": "yes"}),
        ("facts.chain", {"chain": 5}),
        ("facts.tls.chain", {"tls": {"chain": ["abc"]}}),
        ("facts.tls.chain", {"tls": {"chain": [{**CERTIFICATE, "sha256": ["a"]}]}}),
        ("facts.tls.chain", {"tls": {"chain": [{**CERTIFICATE, "sha256": "x" * 9}]}}),
        ("facts.chain", {"chain": [{**CERTIFICATE, "not_after": 2**70}]}),
        ("facts.leaf_not_after", {"leaf_not_after": "soon"}),
        ("facts.tls.chain_expiry", {"tls": {"chain_expiry": 1e308}}),
    ],
)
def test_what_readers_could_not_read_is_wrong(key: str, facts: dict[str, Any]) -> None:
    assert next(wrong_facts(facts)).startswith(key)
