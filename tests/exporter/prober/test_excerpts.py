from __future__ import annotations

import socket

import numpy as np

from exporter.prober.excerpts import durations, only
from exporter.probes.base import Address, ProbeFailed
from exporter.probes.volleys import Volley, VolleyResult
from runtime.probing.probes import IcmpProbe
from runtime.probing.reasons import Reason

SETTINGS = IcmpProbe.model_validate(
    {"name": "two", "kind": "icmp", "count": 2, "spacing": "500ms", "timeout": "2s"}
)
MS = 1_000_000


def fired() -> tuple[Volley, VolleyResult]:
    targets = [Address(socket.AF_INET, f"192.0.2.{n}") for n in range(4)]
    found = VolleyResult.empty(4, 2, 1_000)
    found.sent[:3] = 2
    found.rtts[0] = (3 * MS, 4 * MS)
    found.rtts[1] = (900 * MS, -1)
    found.late[1] = 1
    found.unreachable[2, "net"] = 2
    found.refused[3] = ProbeFailed(Reason.NO_PERMISSION, "not permitted")
    volley = Volley(targets, SETTINGS, phases=[0.0] * 4, slots=[0, 1, 2, 3])
    return volley, found


def test_a_target_takes_until_its_last_reply_or_until_none_came() -> None:
    _, found = fired()
    spent = (durations(found, SETTINGS) // MS).tolist()
    assert spent == [504, 2500, 2500, 0]


def test_an_excerpt_says_of_its_targets_what_the_whole_does() -> None:
    volley, found = fired()
    some, told = only(volley, found, np.array([1, 3, 2]))
    assert [target.ip for target in some.targets] == [
        "192.0.2.1",
        "192.0.2.3",
        "192.0.2.2",
    ]
    assert told.rtts.tolist() == [[900 * MS, -1], [-1, -1], [-1, -1]]
    assert told.sent.tolist() == [2, 0, 2]
    assert told.late.tolist() == [1, 0, 0]
    assert dict(told.unreachable) == {(2, "net"): 2}
    assert list(told.refused) == [1]
    assert told.began_ms == 1_000
