"""`smokeping_*` beside a smokeping_prober, both sending to the same loopback."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.exporter.exposition import Read, parse
from tests.exporter.probing import running_prober
from tests.servers import PATIENCE, RealSmokepingProber

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTS: Final = ("127.0.0.1", "127.0.0.2", "::1")
NEWER_LABELS: Final = {"source", "tos"}
NEWER: Final = {"smokeping_receive_errors_total", "smokeping_send_errors_total"}
"""What came after the version that Debian has."""
ABOUT_ITSELF: Final = "smokeping_prober_"


@dataclass(frozen=True)
class Both:
    theirs: dict[str, Read]
    ours: dict[str, Read]


def _told(url: str) -> dict[str, Read]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        found = parse(answer.read().decode())
    return {
        name: family
        for name, family in found.items()
        if name.startswith("smokeping_") and not name.startswith(ABOUT_ITSELF)
    }


def _until_all_replied(url: str) -> dict[str, Read]:
    give_up = time.monotonic() + PATIENCE
    while True:
        told = _told(url)
        replies = told.get("smokeping_response_duration_seconds_count")
        values = [] if replies is None else list(replies.samples.values())
        if len(values) == len(HOSTS) and all(values):
            return told
        assert time.monotonic() < give_up, told
        time.sleep(0.1)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    directory = tmp_path_factory.mktemp("smokeping")
    destinations = [
        {"name": f"host-{number}", "host": host} for number, host in enumerate(HOSTS)
    ]
    jobs = [
        {
            "name": f"pings-{number}",
            "interval": "1s",
            "splay": "0s",
            "destinations": [one["name"] for one in destinations],
        }
        for number in range(2)
    ]
    with (
        RealSmokepingProber(directory, HOSTS) as theirs,
        running_prober(
            directory,
            [],
            [],
            destinations,
            exporter={"prober": {"smokeping": True}},
            jobs=jobs,
        ) as url,
    ):
        return Both(_until_all_replied(theirs.url), _until_all_replied(url))


def _labels(
    family: Read, leave_out: Callable[[str], bool]
) -> set[frozenset[tuple[str, str]]]:
    return {
        frozenset(pair for pair in labels if not leave_out(pair[0]))
        for labels in family.samples
    }


@pytest.mark.setting("exporter.prober.smokeping")
def test_names_types_and_help_are_the_same(both: Both) -> None:
    assert both.ours.keys() - both.theirs.keys() == NEWER
    assert both.theirs.keys() <= both.ours.keys()
    for name, family in both.theirs.items():
        assert (both.ours[name].kind, both.ours[name].help) == (
            family.kind,
            family.help,
        )


def test_hosts_addresses_and_buckets_are_the_same(both: Both) -> None:
    for name, family in both.theirs.items():
        ours = _labels(both.ours[name], NEWER_LABELS.__contains__)
        assert ours == _labels(family, lambda _: False), name
        newer = _labels(both.ours[name], lambda label: label not in NEWER_LABELS)
        assert newer == {frozenset({("source", ""), ("tos", "0")})}


def test_what_does_not_change_has_the_same_value(both: Both) -> None:
    ours = both.ours["smokeping_response_ttl"].samples.values()
    theirs = both.theirs["smokeping_response_ttl"].samples.values()
    assert list(ours) == list(theirs) == [64.0] * len(HOSTS)


def test_every_request_of_both_jobs_was_answered(both: Both) -> None:
    requests = both.ours["smokeping_requests_total"].samples
    replies = both.ours["smokeping_response_duration_seconds_count"].samples
    assert requests == replies
    assert sum(requests.values()) >= 2 * len(HOSTS)
    for name in (*NEWER, "smokeping_response_duplicates_total"):
        assert set(both.ours[name].samples.values()) == {0}
