from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.probes.flights import Flights, State

MINUTE = 60 * 10**9


def fill(flights: Flights, some: int, now: int, state: State) -> np.ndarray:
    reserved = flights.reserve(some, now)
    assert reserved is not None
    flights.place[reserved.rows] = reserved.places
    flights.nonce[reserved.rows] = reserved.places.astype(np.uint64) + np.uint64(7)
    flights.state[reserved.rows] = state
    flights.sent[reserved.rows] = now
    return reserved.places


@given(st.lists(st.integers(min_value=1, max_value=40), max_size=40))
def test_requests_in_flight_keep_their_rows_however_the_ring_grows(
    sizes: list[int],
) -> None:
    flights = Flights(rows=64)
    places = [fill(flights, size, 0, State.FLYING) for size in sizes]
    for place in np.concatenate(places) if places else ():
        assert flights.place[place & flights.mask] == place
        assert flights.nonce[place & flights.mask] == place + 7


def test_rows_of_long_ago_are_used_again() -> None:
    flights = Flights(rows=64)
    for number in range(100):
        fill(flights, 16, number * MINUTE, State.ANSWERED)
    assert flights.mask == 63


def test_rows_of_the_last_seconds_are_remembered() -> None:
    flights = Flights(rows=64)
    for _ in range(100):
        fill(flights, 16, MINUTE, State.ANSWERED)
    assert flights.mask >= 1600


def test_a_full_ring_has_no_room() -> None:
    flights = Flights(rows=64, largest=128)
    for _ in range(8):
        fill(flights, 16, 0, State.FLYING)
    assert flights.reserve(16, 0) is None
    assert len(flights) == 128


def test_a_request_is_found_by_its_nonce_and_by_where_it_went() -> None:
    flights = Flights(rows=64)
    fill(flights, 10, 0, State.FLYING)
    flights.low[4], flights.sequence[4] = 99, 3
    assert flights.search(4 + 7) == 4
    assert flights.search(10**6) == -1
    assert flights.search_address(0, 99, 3) == 4
    assert flights.search_address(0, 99, 2) == -1
