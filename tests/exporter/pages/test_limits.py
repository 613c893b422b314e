from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.pages.limits import CLIENTS, Limits

if TYPE_CHECKING:
    from tests.fakes import FakeClock


def _limits(clock: FakeClock) -> Limits:
    return Limits(clock, rate=60, burst=2, at_once=1)


def test_a_bucket_fills_up_again_but_not_over(clock: FakeClock) -> None:
    limits = _limits(clock)
    assert [limits.take("192.0.2.1") for _ in range(4)] == [0, 0, 1, 1]
    clock.advance(1)
    assert [limits.take("192.0.2.1") for _ in range(2)] == [0, 1]
    clock.advance(1000)
    assert [limits.take("192.0.2.1") for _ in range(3)] == [0, 0, 1]


def test_addresses_of_one_client_share_a_bucket(clock: FakeClock) -> None:
    limits = _limits(clock)
    same = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::%eth0"]
    assert [limits.take(client) for client in same] == [0, 0, 1]
    assert limits.take("2001:db8:0:1::1") == 0
    mapped = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"]
    assert [limits.take(client) for client in mapped] == [0, 0, 1]
    assert limits.take("") == 0


def test_only_so_many_clients_are_remembered(clock: FakeClock) -> None:
    limits = _limits(clock)
    for number in range(2 * CLIENTS):
        limits.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limits._buckets) == CLIENTS


def test_probes_in_flight_are_counted(clock: FakeClock) -> None:
    limits = _limits(clock)
    assert limits.begin()
    assert not limits.begin()
    assert limits.in_flight == 1
    limits.end()
    assert limits.begin()
