from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from runtime.probing.probes import (
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    Probe,
    TcpProbe,
    ThroughputProbe,
    TlsProbe,
    TracerouteProbe,
)

PROBE: TypeAdapter[Any] = TypeAdapter(Probe)


@pytest.mark.parametrize(
    ("kind", "made", "further"),
    [
        ("icmp", IcmpProbe, {}),
        ("traceroute", TracerouteProbe, {}),
        ("tcp", TcpProbe, {}),
        ("tls", TlsProbe, {}),
        ("http", HttpProbe, {}),
        ("dns", DnsProbe, {"query": "example.org"}),
        ("throughput", ThroughputProbe, {}),
    ],
)
def test_a_kind_chooses_its_settings(
    kind: str, made: type[object], further: dict[str, str]
) -> None:
    probe = PROBE.validate_python({"name": "one", "kind": kind, **further})
    assert type(probe) is made


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"kind": "icmp", "size": 8}, "greater than or equal to 24"),
        ({"kind": "icmp", "timeout": "0s"}, "greater than 0"),
        ({"kind": "icmp", "timeout": 5}, "is not a duration"),
        ({"kind": "icmp", "family": "ipv5"}, "'auto', 'ipv4' or 'ipv6'"),
        ({"kind": "tcp", "port": 70000}, "less than or equal to 65535"),
        ({"kind": "http", "statuses": ["2x"]}, "should match pattern"),
        ({"kind": "http", "body_matches": ["("]}, "is not a regular expression"),
        ({"kind": "http", "user": "me", "bearer_secret": "s"}, "use one of the two"),
        ({"kind": "dns"}, "Field required"),
        ({"kind": "smoke"}, "does not match any of the expected tags"),
        ({"kind": "icmp", "port": 7}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PROBE.validate_python({"name": "one", **written})


def test_settings_go_over_the_wire_unchanged() -> None:
    probe = IcmpProbe(name="smoke", kind="icmp", count=20, spacing="500ms")
    told = PROBE.dump_json(probe)
    assert b'"spacing":"500ms"' in told
    assert PROBE.validate_json(told) == probe


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("record_type", "NO_SUCH", "is no record type of DNS"),
        ("record_class", "XX", "is no record class of DNS"),
        ("rcodes", ["FINE"], "is no response code of DNS"),
    ],
)
def test_words_of_dns_are_known_ones(key: str, value: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        DnsProbe.model_validate(
            {"name": "d", "kind": "dns", "query": "example.org", key: value}
        )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("headers", ["no colon"]),
        ("headers", ["A: b\r\nEvil: c"]),
        ("proxy", "http://user:pass@proxy:3128"),
        ("proxy", "ftp://proxy"),
    ],
)
def test_headers_and_proxies_are_refused_that_cannot_be_used(
    key: str, value: object
) -> None:
    with pytest.raises(ValidationError):
        HttpProbe.model_validate({"name": "h", "kind": "http", key: value})
