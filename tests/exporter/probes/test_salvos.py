from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from exporter.probes.accounts import Run
from exporter.probes.flights import Aim
from exporter.probes.salvos import Salvo, aim
from exporter.probes.volleys import Volley, VolleyResult
from tests.exporter.probes.volleying import address, settings

if TYPE_CHECKING:
    from exporter.probes.ports import Port

MILLISECOND = 1_000_000


def run_of(*ips: str, count: int = 1) -> Run:
    volley = Volley([address(ip) for ip in ips], settings(count=count, spacing="20ms"))
    loop = asyncio.new_event_loop()
    done: asyncio.Future[VolleyResult] = loop.create_future()
    loop.close()
    slots = np.arange(len(ips)) + 50
    return Run(7, volley, VolleyResult.empty(len(ips), 1, 0), done, slots, 0, 0)


def salvo_of(run: Run, phases: list[float]) -> Salvo:
    aims = aim(run, np.arange(len(phases)), np.array(phases))
    assert aims is not None
    return Salvo(run, cast("Port", None), aims, start=5 * MILLISECOND)


def test_targets_are_aimed_at_in_the_order_of_their_phases() -> None:
    salvo = salvo_of(run_of("192.0.2.1", "192.0.2.2", "192.0.2.3"), [0.02, 0.0, 0.01])
    assert salvo.aims.addresses == (
        ("192.0.2.2", 0),
        ("192.0.2.3", 0),
        ("192.0.2.1", 0),
    )
    assert salvo.aims.rows[:, Aim.TARGET].tolist() == [1, 2, 0]
    assert salvo.aims.rows[:, Aim.SLOT].tolist() == [51, 52, 50]
    assert (salvo.aims.rows[:, Aim.VOLLEY] == 7).all()
    assert [salvo.due((5 + ms) * MILLISECOND) for ms in (-1, 0, 10, 19, 20)] == [
        0,
        1,
        2,
        2,
        3,
    ]
    assert salvo.when() == 5 * MILLISECOND


def test_the_following_salvo_begins_a_spacing_later_and_the_last_has_none() -> None:
    salvo = salvo_of(run_of("192.0.2.1", count=2), [0.0])
    following = salvo.following()
    assert following is not None
    assert (following.sequence, following.start) == (1, 25 * MILLISECOND)
    assert following.following() is None


@pytest.mark.parametrize(
    ("ip", "high", "low", "many"),
    [
        ("192.0.2.1", 0, 0xC0000201, 0),
        ("2001:db8::1", 0x20010DB8 << 32, 1, 0),
        ("224.0.0.1", 0, 0xE0000001, 1),
        ("255.255.255.255", 0, 0xFFFFFFFF, 1),
        ("ff02::1", 0xFF02 << 48, 1, 1),
    ],
)
def test_an_address_is_two_numbers_and_several_may_answer_some(
    ip: str, high: int, low: int, many: int
) -> None:
    row = salvo_of(run_of(ip), [0.0]).aims.rows[0]
    assert int(row[Aim.HIGH]) & (2**64 - 1) == high
    assert (int(row[Aim.LOW]), int(row[Aim.ANY_SOURCE])) == (low, many)


def test_a_scope_is_an_interface_by_number_or_by_name() -> None:
    salvo = salvo_of(run_of("fe80::1%3", "fe80::2%lo"), [0.0, 0.1])
    by_name = socket.if_nametoindex("lo")
    assert salvo.aims.addresses == (
        ("fe80::1", 0, 0, 3),
        ("fe80::2", 0, 0, by_name),
    )


def test_what_cannot_be_sent_to_is_refused_and_the_others_are_not() -> None:
    run = run_of("fe80::1%nowhere", "fe80::2%lo", "nothing")
    salvo = salvo_of(run, [0.0, 0.1, 0.2])
    assert salvo.aims.rows[:, Aim.TARGET].tolist() == [1]
    assert sorted(run.result.refused) == [0, 2]
    assert "fe80::1%nowhere" in str(run.result.refused[0])
