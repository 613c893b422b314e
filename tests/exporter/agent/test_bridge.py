from __future__ import annotations

import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from exporter.agent.bridge import Bridge, BridgeError
from runtime.probing import wire
from tests.exporter.agent.fake_bridge import problem
from tests.fakes import FakeClock
from tests.web import Asked, FakeWeb, Told

NOW = 1_700_000_000.0


def bridge_at(url: str, key: str | None = "secret", timeout: float = 10.0) -> Bridge:
    return Bridge(url, "site 1", key, FakeClock(NOW), timeout)


def failure_of(told: Told, timeout: float = 10.0) -> BridgeError:
    with FakeWeb(lambda _: told) as web, pytest.raises(BridgeError) as caught:
        bridge_at(web.url, timeout=timeout).send(b"{}")
    return caught.value


def test_a_plan_is_asked_for_by_name_with_the_key_and_the_etag() -> None:
    def answer(asked: Asked) -> Told:
        if asked.headers.get("if-none-match") == '"1"':
            return Told(status=304)
        return Told(b"{}", headers={"ETag": '"1"'})

    with FakeWeb(answer) as web:
        bridge = bridge_at(f"{web.url}/below")
        assert bridge.fetch("") == (b"{}", '"1"')
        assert bridge.fetch('"1"') is None
        bridge.close()
        assert web.connections == 1
    asked = web.asked[0]
    assert asked.path == "/below/api/v1/agents/site%201/plan"
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["user-agent"].startswith("epimetheus-exporter/")
    assert "if-none-match" not in asked.headers


def test_without_a_key_none_is_sent() -> None:
    with FakeWeb(lambda _: Told(b"{}")) as web:
        bridge_at(web.url, key=None).fetch("")
    assert "authorization" not in web.asked[0].headers


def test_a_receipt_is_read() -> None:
    told = Told(b'{"accepted": 1, "duplicates": 2, "refused": [], "new": 1}')
    with FakeWeb(lambda _: told) as web:
        assert bridge_at(web.url).send(b"{}") == wire.Receipt(accepted=1, duplicates=2)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, "refused"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
        (409, "conflict"),
        (413, "too_large"),
        (422, "refused"),
        (429, "busy"),
        (503, "busy"),
        (500, "failed"),
        (302, "failed"),
        (418, "failed"),
    ],
)
def test_statuses_have_meanings(status: int, outcome: str) -> None:
    error = failure_of(problem(status, "because"))
    assert (error.outcome, str(error)) == (outcome, f"status {status}: because")


def test_redirects_are_told_and_not_followed() -> None:
    error = failure_of(Told(status=308, headers={"location": "https://elsewhere/"}))
    assert str(error) == "status 308: it has moved to https://elsewhere/"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    error = failure_of(problem(503, "wait", {"retry-after": text}))
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("told", "timeout"),
    [
        (Told(raw=b""), 10.0),
        (Told(raw=b"garbage\r\n\r\n"), 10.0),
        (Told(b'{"accepted": 1}', cut=4), 10.0),
        (Told(b'{"accepted": 1}', cut=4, stall=True), 0.2),
        (Told(b" " * 1000, drip=True), 0.2),
    ],
)
def test_what_is_no_whole_answer_in_time_is_away(told: Told, timeout: float) -> None:
    error = failure_of(told, timeout)
    assert error.outcome == "unreachable"
    assert str(error)
    assert "object at 0x" not in str(error)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"accepted": "many"}'])
def test_what_is_no_receipt_is_garbage(body: bytes) -> None:
    assert failure_of(Told(body)).outcome == "garbage"


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.agent.bridge._LARGEST_ANSWER", 100)
    assert "more than 100 bytes" in str(failure_of(Told(b" " * 101)))


def test_nobody_listens() -> None:
    with FakeWeb(lambda _: Told()) as web:
        url = web.url
    with pytest.raises(BridgeError, match=r"^Failed to .* refused$") as caught:
        bridge_at(url).fetch("")
    assert caught.value.outcome == "unreachable"


def test_a_certificate_that_is_trusted_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = Path(__file__).parents[2] / "data" / "tls" / "loopback.crt"
    with FakeWeb(lambda _: Told(b"{}"), certificate) as web:
        with pytest.raises(BridgeError, match="certificate verify failed"):
            bridge_at(web.url).fetch("")
        assert web.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert bridge_at(web.url).fetch("") == (b"{}", "")


def test_a_request_that_waits_is_cut_off() -> None:
    with FakeWeb(lambda _: Told(b"{}", stall=True, cut=0)) as web:
        bridge = bridge_at(web.url, timeout=60.0)
        failed = threading.Event()

        def fetch() -> None:
            with pytest.raises(BridgeError):
                bridge.fetch("")
            failed.set()

        asking = threading.Thread(target=fetch)
        asking.start()
        pause = threading.Event()
        while not web.asked:
            pause.wait(0.01)
        bridge.close()
        assert failed.wait(10)
        asking.join()
        with pytest.raises(BridgeError, match="closed"):
            bridge.fetch("")
