from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from exporter.pages.probes import ProbesPage
from exporter.pages.probes_html import seconds_text
from exporter.pages.ring import Ring
from runtime.probing.jobs import Probes
from runtime.probing.wire import Result
from tests.exporter.pages.asking import FakeProber, get

if TYPE_CHECKING:
    from collections.abc import Sequence

EVIL = "<script>alert('&\"')</script>"


def _result(
    destination: str, began_ms: int = 0, reason: str = "", **more: Any
) -> Result:
    facts = {"probe": "tcp", "kind": "tcp", "seconds": 0.25, **more}
    return Result(destination=destination, began_ms=began_ms, reason=reason, **facts)


def _page(*results: Result, latest: Sequence[Result] = ()) -> ProbesPage:
    ring = Ring(100)
    for result in results:
        ring.add(result)
    probes = {"destinations": [{"name": "gateway", "host": "192.0.2.1"}]}
    return ProbesPage(
        FakeProber(latest=list(latest)),
        Probes.model_validate(probes),
        ring,
        any_module=True,
        everyone=True,
    )


def _destinations(page: ProbesPage, query: str) -> list[str]:
    told = json.loads(get(page, f"format=json&{query}").text)
    return [one["destination"] for one in told["results"]]


def test_newest_results_come_first_with_what_jobs_found() -> None:
    page = _page(
        _result("a", 1), _result("b", 3), latest=[_result("c", 2), _result("b", 3)]
    )
    assert _destinations(page, "") == ["b", "c", "a"]


def test_results_can_be_chosen() -> None:
    page = _page(
        _result("a"), _result("b", reason="timeout"), _result("b", probe="http")
    )
    assert _destinations(page, "only=failures") == ["b"]
    assert _destinations(page, "destination=b") == ["b", "b"]
    assert _destinations(page, "destination=b&module=http") == ["b"]
    assert _destinations(page, "module=dns") == []


def test_who_likes_json_gets_it() -> None:
    page = _page(_result("a", reason="timeout", log=((0.5, "waited"),)))
    got = get(page, HTTP_ACCEPT="application/json")
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    (one,) = json.loads(got.text)["results"]
    assert (one["id"], one["job"], one["reason"]) == (1, "", "timeout")
    assert one["log"] == [[0.5, "waited"]]
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert get(page, HTTP_ACCEPT=browser).text.startswith("<!doctype html>")
    assert get(page).text.startswith("<!doctype html>")


def test_nothing_that_others_say_is_markup() -> None:
    told = _result(
        EVIL,
        reason="timeout",
        message=EVIL,
        address=EVIL,
        log=((0.1, EVIL),),
        probe=EVIL,
        marks=(EVIL,),
        phases={EVIL: 1.0},
    )
    for query in ("", "destination=%3Cscript%3E&module=%22%3E%3Cscript%3E"):
        got = get(_page(told), query)
        assert "<script" not in got.text
        policy = got.headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_destinations_said_is_for_who_is_here_or_has_a_token() -> None:
    result = _result("a", reason="timeout", message="m", log=((0.1, "SSH-2.0"),))
    page = _page(result)
    for query in ("", "format=json"):
        assert "SSH-2.0" in get(page, query).text
        assert "SSH-2.0" not in get(page, query, REMOTE_ADDR="192.0.2.7").text
        assert "timeout" in get(page, query, REMOTE_ADDR="192.0.2.7").text
    ring = Ring(1)
    ring.add(result)
    guarded = ProbesPage(FakeProber(), Probes(), ring, any_module=True, everyone=False)
    assert "SSH-2.0" in get(guarded, REMOTE_ADDR="192.0.2.7").text


def test_a_page_without_results_says_so() -> None:
    text = get(_page()).text
    assert "There is nothing here yet." in text
    assert '<option value="gateway">' in text
    assert "<option>http<option>icmp" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 µs"),
        (0.0000341, "34.1 µs"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (9.506, "9.51 s"),
        (2000.0, "2000 s"),
    ],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
