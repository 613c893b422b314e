"""What comes back is told apart, on both kinds of sockets and both families."""

from __future__ import annotations

import asyncio

import pytest

from exporter.prober.board import Board
from exporter.prober.cells import Cell, Head
from exporter.probes.engine import Engine
from exporter.probes.volleys import Volley
from tests.exporter.probes.responder import LOSS, Action, Responder
from tests.exporter.probes.volleying import KINDS, address, fire, settings

V4, V6 = "127.2.0.", "fd00:7::"
CASES: dict[str, tuple[list[Action], dict[str, int]]] = {
    "1": ([Action(0.01)], {"REQUESTS": 4, "REPLIES": 4}),
    "2": ([LOSS], {"REQUESTS": 4, "LOST": 4}),
    "3": ([Action(copies=3)], {"REQUESTS": 4, "REPLIES": 4, "DUPLICATES": 8}),
    "4": ([Action(0.3)], {"REQUESTS": 4, "LOST": 4, "LATE": 4}),
    "5": (
        [Action(0.3, copies=2)],
        {"REQUESTS": 4, "LOST": 4, "LATE": 4, "DUPLICATES": 4},
    ),
    "6": (
        [Action(0.05), Action(0.01)],
        {"REQUESTS": 4, "REPLIES": 4, "REORDERED": 2},
    ),
    "7": ([Action(), LOSS], {"REQUESTS": 4, "REPLIES": 2, "LOST": 2}),
    # A bit turned in the nonce, its complement, the place, the pattern.
    **{
        str(20 + place): (
            [Action(damage=place)],
            {"REQUESTS": 4, "LOST": 4, "CORRUPT": 4},
        )
        for place in (8, 15, 16, 24, 27, 29, 31, 32, 63)
    },
}
ERRORS = {
    ("v4", 3, 1): "Destination host unreachable",
    ("v4", 3, 13): "Packet filtered",
    ("v4", 11, 0): "Time to live exceeded",
    ("v6", 1, 0): "No route to destination",
    ("v6", 3, 0): "Hop limit exceeded",
}


@pytest.mark.parametrize("prefix", [V4, V6])
@pytest.mark.parametrize("kind", KINDS)
def test_every_class_is_counted_apart(kind: str, prefix: str) -> None:
    wrong = [Action(source=f"{prefix}99")]
    rules = {f"{prefix}{end}": actions for end, (actions, _) in CASES.items()}
    rules[f"{prefix}90"] = wrong
    expected = [counts for _, counts in CASES.values()]
    expected.append({"REQUESTS": 4, "LOST": 4, "WRONG_SOURCE": 4})
    with Responder(rules) as responder:
        probe = settings(
            count=4, spacing="20ms", timeout="200ms", namespace=responder.namespace
        )
        fired = fire(list(rules), probe, linger=0.4, sockets=kind)
    assert dict(zip(rules, fired.rows, strict=True)) == dict(
        zip(rules, expected, strict=True)
    )
    assert fired.head["IN_FLIGHT"] == fired.head["DROPPED"] == 0


@pytest.mark.parametrize("quoted", [28, 576])
@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_told_by_name_however_little_they_quote(
    kind: str, quoted: int
) -> None:
    rules = {}
    for number, (family, its_type, code) in enumerate(ERRORS):
        ip = f"{V4 if family == 'v4' else V6}{number + 1}"
        more = 0 if family == "v4" else 20
        rules[ip] = [Action(error=(its_type, code), quoted=quoted + more)]
    with Responder(rules) as responder:
        probe = settings(
            count=2, spacing="20ms", timeout="1s", namespace=responder.namespace
        )
        fired = fire(list(rules), probe, sockets=kind)
    for result, name in zip(fired.results, ERRORS.values(), strict=True):
        exceeded = name.endswith("exceeded")
        assert result.reason == ("ttl_exceeded" if exceeded else "unreachable")
        assert result.facts["ttl_exceeded" if exceeded else "unreachable"] == {name: 2}


def test_an_error_that_quotes_another_secret_is_no_error_about_ours() -> None:
    # The nonce is behind 8 bytes of the error, 20 of IP and 8 of ICMP.
    rules = {
        f"{V4}1": [Action(error=(3, 1))],
        f"{V4}2": [Action(error=(3, 1), damage=36)],
    }
    with Responder(rules) as responder:
        probe = settings(timeout="100ms", namespace=responder.namespace)
        fired = fire(list(rules), probe, sockets="raw")
    assert fired.rows == [
        {"REQUESTS": 1, "UNREACHABLE": 1},
        {"REQUESTS": 1, "LOST": 1},
    ]


def test_replies_to_others_answer_nothing_here() -> None:
    async def go(namespace: str) -> tuple[Board, Board]:
        boards = Board.create(1), Board.create(1)
        engines = [Engine(board, sockets="raw") for board in boards]
        probe = settings(count=3, spacing="50ms", namespace=namespace)
        volleys = [
            Volley([address("127.0.0.1")], probe, slots=[board.claim()])
            for board in boards
        ]
        await asyncio.gather(
            *(
                engine.fire(volley)
                for engine, volley in zip(engines, volleys, strict=True)
            )
        )
        for engine in engines:
            engine.close()
        return boards

    with Responder() as responder:
        boards = asyncio.run(go(responder.namespace))
    for board in boards:
        assert board.row(0)[Cell.REPLIES] == 3
        assert board.row(0)[Cell.CORRUPT] == board.row(0)[Cell.DUPLICATES] == 0
    assert sum(int(board.head[Head.STRAY]) for board in boards) >= 4
