from __future__ import annotations

from exporter.collectors.sun_rpc import VERSION_2, VERSION_3, parse, requests


def test_lines_are_a_word_and_numbers() -> None:
    assert parse("net 1 2\n\nth 8 0.000\n") == {"net": ["1", "2"], "th": ["8", "0.000"]}


def test_procedures_that_an_older_kernel_does_not_know_were_never_asked_for() -> None:
    told = {"proc9": ["2", "5", "7"]}
    names = ("Null", "", "Read")
    assert list(requests(told, "proc9", "9", names)) == [
        (("9", "Null"), 5),
        (("9", "Read"), 0),
    ]
    assert list(requests(told, "proc2", "2", names)) == []


def test_there_are_as_many_procedures_as_in_the_standards() -> None:
    assert (len(VERSION_2), len(VERSION_3)) == (18, 22)
