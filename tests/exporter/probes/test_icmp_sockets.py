"""Which sockets are used, with which rights."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.icmp_sockets import Place, open_socket
from runtime.probing.reasons import Reason
from tests.exporter.probes.responder import Responder
from tests.exporter.probes.volleying import fire, settings

ROOT = Path(__file__).parents[3]
FAMILIES = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}
PROGRAM = """
import json, sys
from tests.exporter.probes.volleying import fire, settings
fired = fire([sys.argv[1]], settings(), sockets=sys.argv[2])
result = fired.results[0]
kinds = [kind for _, kind in fired.sockets]
print(json.dumps([result.reason, result.message, kinds]))
"""


def as_nobody(responder: Responder, ip: str, wanted: str) -> Any:
    """Fire a volley in the namespace without any right."""
    command = [
        "nsenter",
        f"--net={responder.namespace}",
        "setpriv",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        sys.executable,
        "-B",
        "-c",
        PROGRAM,
        ip,
        wanted,
    ]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


@pytest.mark.setting("exporter.prober.sockets")
@pytest.mark.parametrize("ip", FAMILIES)
@pytest.mark.parametrize(
    ("wanted", "pingable", "kind"),
    [
        ("auto", "pingable", "datagram"),
        ("auto", "not pingable", "raw"),
        ("raw", "pingable", "raw"),
        ("datagram", "pingable", "datagram"),
    ],
)
def test_sockets_are_of_the_wanted_kind(
    wanted: str, pingable: str, kind: str, ip: str
) -> None:
    with Responder(pingable=pingable == "pingable") as responder:
        fired = fire([ip], settings(namespace=responder.namespace), sockets=wanted)
    assert fired.sockets == {(FAMILIES[ip], kind): 1}
    assert fired.results[0].received == 1


@pytest.mark.parametrize("ip", FAMILIES)
@pytest.mark.parametrize("wanted", ["auto", "datagram"])
def test_a_group_that_may_ping_needs_no_other_right(wanted: str, ip: str) -> None:
    with Responder() as responder:
        assert as_nobody(responder, ip, wanted) == ["", "", ["datagram"]]


@pytest.mark.parametrize(
    ("wanted", "pingable", "rights"),
    [
        ("auto", "not pingable", ["net.ipv4.ping_group_range", "CAP_NET_RAW"]),
        ("datagram", "not pingable", ["net.ipv4.ping_group_range"]),
        ("raw", "pingable", ["CAP_NET_RAW"]),
    ],
)
def test_without_a_right_the_message_says_which(
    wanted: str, pingable: str, rights: list[str]
) -> None:
    with Responder(pingable=pingable == "pingable") as responder:
        reason, message, kinds = as_nobody(responder, "127.0.0.1", wanted)
    assert (reason, kinds) == (Reason.NO_PERMISSION, [])
    for right in rights:
        assert right in message


def test_all_destinations_of_a_family_share_a_socket() -> None:
    with Responder() as responder:
        ips = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"]
        fired = fire(ips, settings(namespace=responder.namespace))
    assert sorted(fired.sockets.values()) == [1, 1]
    assert [result.received for result in fired.results] == [1, 1, 1, 1]


def test_a_host_without_the_family_says_so() -> None:
    unknown = 12  # of DECnet, which Linux no longer has
    with pytest.raises(ProbeFailed, match="this host has no") as failed:
        open_socket(Place(unknown), "raw", transmit_stamps=False)
    assert failed.value.reason == Reason.SEND_FAILED


@pytest.mark.setting("exporter.prober.transmit_stamps")
@pytest.mark.parametrize("kind", ["raw", "datagram"])
@pytest.mark.parametrize("prefix", ["127.6.0.", "fd00:7::"])
def test_stamps_of_sending_leave_our_own_way_into_the_network_out(
    prefix: str, kind: str
) -> None:
    ips = [f"{prefix}{number}" for number in range(1, 51)]
    with Responder() as responder:
        some = settings(count=5, spacing="30ms", namespace=responder.namespace)
        own, kernels = (
            fire(ips, some, sockets=kind, transmit_stamps=wanted).volley
            for wanted in (False, True)
        )
    assert (own.rtts > 0).all()
    assert (kernels.rtts > 0).all()
    # Sending on loopback answers as well, so that little but that is left.
    assert np.median(kernels.rtts) < np.median(own.rtts)
