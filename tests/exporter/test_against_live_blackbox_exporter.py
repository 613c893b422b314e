"""`/probe` beside a blackbox_exporter, both asked about the same servers now."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from tests.exporter import modules_of_both
from tests.exporter.exposition import Read, parse
from tests.exporter.probed import Probed, probed
from tests.exporter.probing import running_prober
from tests.servers import RealBlackboxExporter

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"

CASES: Final = {
    "http": ("http", "{web}"),
    "http without scheme": ("http", "127.0.0.1:{shut}"),
    "http not found": ("http", "{web}/missing"),
    "http broken": ("http", "{web}/broken"),
    "http redirected": ("http", "{web}/moved"),
    "http not followed": ("http_still", "{web}/moved"),
    "http redirected to a bad certificate": ("http", "{web}/elsewhere"),
    "http redirected for ever": ("http", "{web}/loop"),
    "http body matches": ("http_body", "{web}"),
    "http body does not match": ("http_body", "{web}/chunked"),
    "http body matches what it must not": ("http_lacks", "{web}"),
    "http header does not match": ("http_header", "{web}"),
    "http in pieces": ("http", "{web}/chunked"),
    "http packed": ("http_packed", "{web}/packed"),
    "http too late": ("http", "{web}/slow"),
    "http not resolved": ("http", "http://nothing.invalid"),
    "http not over TLS": ("http_tls", "{web}"),
    "https": ("http", "{good}"),
    "https unwanted": ("http_plain", "{good}"),
    "https redirected": ("http_tls", "{good}/moved"),
    "https expired": ("http", "{expired}"),
    "https of another name": ("http", "{misnamed}"),
    "https untrusted": ("http", "{untrusted}"),
    "https not verified": ("http_blind", "{untrusted}"),
    "https where there is none": ("http", "https://127.0.0.1:{banner}"),
    "tcp": ("tcp", "127.0.0.1:{silence}"),
    "tcp refused": ("tcp", "127.0.0.1:{shut}"),
    "tcp not resolved": ("tcp", "nothing.invalid:80"),
    "tcp expected": ("tcp_ssh", "localhost:{banner}"),
    "tcp not expected": ("tcp_ftp", "127.0.0.1:{banner}"),
    "tcp hung up": ("tcp_ftp", "127.0.0.1:{curt}"),
    "tcp silent": ("tcp_ftp", "127.0.0.1:{silence}"),
    "tcp answered": ("tcp_echo", "127.0.0.1:{echo}"),
    "tcp STARTTLS": ("tcp_mail", "127.0.0.1:{mail}"),
    "tls": ("tcp_tls", "{good}"),
    "tls expired": ("tcp_tls", "{expired}"),
    "tls untrusted": ("tcp_tls", "{untrusted}"),
    "dns": ("dns", "127.0.0.1:{names}"),
    "dns SOA": ("dns_soa", "127.0.0.1:{names}"),
    "dns no such name": ("dns_none", "127.0.0.1:{names}"),
    "dns no such name, as expected": ("dns_expected", "127.0.0.1:{names}"),
    "dns matches": ("dns_match", "127.0.0.1:{names}"),
    "dns matches what it must not": ("dns_lacks", "127.0.0.1:{names}"),
    "dns silent": ("dns_silent", "127.0.0.1:{names}"),
    "dns refused": ("dns", "127.0.0.1:{shut}"),
    "icmp": ("icmp", "127.0.0.1"),
    "icmp v6": ("icmp", "::1"),
    "icmp not resolved": ("icmp", "nothing.invalid"),
}
"""Module and target of each comparison."""


@dataclass(frozen=True)
class Both:
    """What both said about each case."""

    theirs: dict[str, dict[str, Read]]
    ours: dict[str, dict[str, Read]]


def _ask(url: str, module: str, target: str) -> dict[str, Read]:
    query = urllib.parse.urlencode({"module": module, "target": target})
    with urllib.request.urlopen(f"{url}/probe?{query}", timeout=30) as answer:
        return parse(answer.read().decode())


def _targets(servers: Probed) -> dict[str, tuple[str, str]]:
    targets = {}
    for case, (module, form) in CASES.items():
        target = form.format(**vars(servers))
        if module == "tcp_tls":
            target = target.removeprefix("https://")
        targets[case] = (module, target)
    return targets


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    directory = tmp_path_factory.mktemp("probed")
    with probed(directory) as servers:
        config = yaml.safe_dump({"modules": modules_of_both.theirs(servers.ca_file)})
        allow = ["127.0.0.0/8", "::1", "localhost", "nothing.invalid"]
        with (
            RealBlackboxExporter(directory / "theirs", config) as theirs,
            running_prober(
                directory, modules_of_both.ours(servers.ca_file), allow
            ) as url,
        ):
            targets = _targets(servers)
            yield Both(
                {case: _ask(theirs.url, *asked) for case, asked in targets.items()},
                {case: _ask(url, *asked) for case, asked in targets.items()},
            )


ALONE: Final = {
    "probe_failure_info": "why it failed, as a label",
    "probe_phase_seconds": "the phases of connections, which they do not tell",
    "probe_icmp_loss_ratio": "of several requests",
    "probe_icmp_odd_replies": "of several requests",
    "probe_icmp_replies": "of several requests",
    "probe_icmp_requests": "of several requests",
    "probe_ssl_leaf_not_after_timestamp_seconds": "the certificate itself, not a chain",
    "probe_ssl_verified": "whether it is in order, and why not",
    "probe_tls_cipher_info": "as their later versions",
}
"""Families of ours that they do not have, whatever is asked."""

BAD: Final = (
    "http redirected to a bad certificate",
    "https expired",
    "https of another name",
    "https untrusted",
    "tls expired",
    "tls untrusted",
)
TOLD: Final = (
    "probe_ssl_earliest_cert_expiry",
    "probe_ssl_last_chain_info",
    "probe_tls_version_info",
)
"""What they do not tell of the `BAD` certificates."""

DIFFERENT: Final = {
    ("http not followed", "probe_http_redirects"): "only followed redirects count",
    ("http redirected for ever", "probe_http_redirects"): "only followed ones count",
    ("http not resolved", "probe_http_duration_seconds"): "every phase is always there",
    ("https not verified", "probe_ssl_last_chain_expiry_timestamp_seconds"): (
        "there is no verified chain, they say -62135596800"
    ),
    **{
        (case, "probe_http_ssl"): "the last request went over TLS, answered or not"
        for case in (*BAD[:4], "https where there is none")
    },
    **{
        (BAD[0], name): "that of the last answer that came, which was the redirect"
        for name in ("probe_http_status_code", "probe_http_version")
    },
    **{(case, name): "bad certificates are told of" for case in BAD for name in TOLD},
}
"""Case and family where we differ, and why."""

_TIMED: Final = re.compile(r".*(duration|lookup_time)_seconds")


def _without_serial(family: Read) -> Read:
    """Return a family without the label that their later versions have as well."""
    samples = {
        tuple(pair for pair in labels if pair[0] != "serialnumber"): value
        for labels, value in family.samples.items()
    }
    return Read(family.kind, family.help, samples)


def _comparable(name: str, family: Read) -> Read:
    if name == "probe_ssl_last_chain_info":
        return _without_serial(family)
    if _TIMED.fullmatch(name):
        return Read(family.kind, family.help, dict.fromkeys(family.samples, 0.0))
    return family


@pytest.mark.parametrize("case", CASES)
def test_both_say_the_same(both: Both, case: str) -> None:
    theirs, ours = both.theirs[case], both.ours[case]
    names = (theirs.keys() | ours.keys()) - ALONE.keys()
    differ = {
        name
        for name in names
        if name not in theirs
        or name not in ours
        or _comparable(name, theirs[name]) != _comparable(name, ours[name])
    }
    assert differ == {name for of, name in DIFFERENT if of == case}


def test_they_do_not_have_what_is_ours_alone(both: Both) -> None:
    told = {name for case in both.theirs.values() for name in case}
    assert told.isdisjoint(ALONE)
    ours = {name for case in both.ours.values() for name in case}
    assert ours >= ALONE.keys()


def test_both_are_asked_for_what_succeeds_and_what_fails(both: Both) -> None:
    outcomes = [case["probe_success"].samples[()] for case in both.theirs.values()]
    assert outcomes.count(0) > 20
    assert outcomes.count(1) > 15


def test_every_failure_has_a_reason(both: Both) -> None:
    for case, told in both.ours.items():
        failed = told["probe_success"].samples[()] == 0
        assert ("probe_failure_info" in told) == failed, case


def test_the_page_tells_of_every_difference() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{len(CASES)} good and bad\ncases" in text
    for name in {*ALONE, *(name for _, name in DIFFERENT)}:
        assert f"`{name}`" in text
