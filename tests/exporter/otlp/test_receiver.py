from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from exporter.otlp.options import Options
from exporter.otlp.receiver import AGAIN, Receiver, Reply
from tests.exporter.otlp.receiving import KIND, RESET, SLOW, OtlpReceiver, partial
from tests.exporter.probes.authority import issue
from tests.fakes import FakeClock
from tests.servers import free_port
from tests.web import Told

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"content-type": "text/plain; charset=utf-8"}


def send(url: str, timeout: float = 30.0, **options: Any) -> Reply:
    chosen = Options(url + "/v1/metrics", **options)
    receiver = Receiver(chosen, FakeClock())
    try:
        return receiver.send(receiver.pack(b""), timeout)
    finally:
        receiver.close()


def answered(*told: Told) -> Reply:
    with OtlpReceiver(*told) as server:
        return send(server.url)


@pytest.mark.parametrize("packed", [True, False])
def test_what_is_sent_is_protobuf(packed: bool) -> None:  # noqa: FBT001 - a parameter
    with OtlpReceiver() as server:
        reply = send(server.url, gzip=packed, headers={"x-tenant": "shop"})
        (request,) = server.requests
    assert reply == Reply("accepted")
    assert request.path == "/v1/metrics"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["user-agent"].startswith("epimetheus-exporter/")
    assert request.headers["x-tenant"] == "shop"
    assert request.headers.get("content-encoding") == ("gzip" if packed else None)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told(status=200), "accepted"),
        (Told(status=204), "accepted"),
        (Told(status=202, headers=KIND), "accepted"),
        (partial(0, ""), "accepted"),
        (Told(status=302, headers={"location": "http://elsewhere"}), "refused"),
        (Told(status=400), "refused"),
        (Told(status=401), "unauthorized"),
        (Told(status=403), "unauthorized"),
        (Told(status=404), "refused"),
        (Told(status=413), "refused"),
        (Told(status=429), "busy"),
        (Told(status=500), "failed"),
        (Told(status=501), "failed"),
        (Told(status=502), "busy"),
        (Told(status=503), "busy"),
        (Told(status=504), "busy"),
        (Told(b"<html>", headers={"content-type": "text/html"}), "garbage"),
        (Told(b"{}"), "garbage"),
        (Told(b"\xff\xff", headers=KIND), "garbage"),
        (Told(bytes(2**20 + 1), headers=KIND), "garbage"),
        (RESET, "unreachable"),
        (Told(b"12345", headers=KIND, cut=2), "unreachable"),
    ],
)
def test_outcomes(told: Told, outcome: str) -> None:
    assert answered(told).outcome == outcome


def test_what_may_be_sent_again_is_what_the_specification_says() -> None:
    again = {
        status
        for status in (400, 401, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504)
        if answered(Told(status=status)).outcome in AGAIN
    }
    assert again == {429, 502, 503, 504}


def test_a_partial_success_tells_how_many_and_why() -> None:
    reply = answered(partial(7, "out of order"))
    assert reply == Reply("partial", "out of order", rejected=7)


def test_a_message_without_rejected_points_is_a_warning() -> None:
    assert answered(partial(0, "slow down")) == Reply("accepted", "slow down")


def test_the_reason_of_a_refusal_is_told() -> None:
    text = Told(b"no\nsuch  tenant", 404, TEXT)
    assert answered(text).message == "status 404: no such tenant"
    # google.rpc.Status: the code 3, and a message.
    status = Told(b"\x08\x03\x12\x03bad", 400, KIND)
    assert answered(status).message == "status 400: bad"
    assert answered(Told(b"\xff", 400, KIND)).message == "status 400"
    page = Told(b"<html>", 404, {"content-type": "text/html"})
    assert answered(page).message == "status 404"
    moved = Told(status=308, headers={"location": "https://elsewhere/"})
    assert answered(moved).message == "status 308: it has moved to https://elsewhere/"


def test_a_wait_that_is_asked_for_is_told() -> None:
    now = FakeClock().now()
    dates = {"17": 17.0, formatdate(now + 90, usegmt=True): 90.0, "soon": None}
    dates[formatdate(now - 90, usegmt=True)] = 0.0
    dates["Mon, 01 Jan 99999999999999999999 00:00:00 GMT"] = None
    dates["Mon, 01 Jan 2024 00:00:00 +9999999999999"] = None
    for text, seconds in dates.items():
        told = Told(status=429, headers={"retry-after": text})
        assert answered(told).retry_after == seconds


def test_nobody_there_is_unreachable() -> None:
    reply = send(f"http://127.0.0.1:{free_port()}")
    assert reply.outcome == "unreachable"
    assert "refused" in reply.message


@pytest.mark.parametrize("told", [SLOW, Told(b"x" * 4000, headers=KIND, drip=True)])
def test_an_exchange_has_one_deadline(told: Told) -> None:
    with OtlpReceiver(told) as server:
        begun = time.monotonic()
        reply = send(server.url, timeout=0.2)
        assert reply.outcome == "unreachable"
        assert "timed out" in reply.message
        assert time.monotonic() - begun < 20


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue("receiver").files(tmp_path_factory.mktemp("tls"), "receiver")[0]


@pytest.mark.setting("exporter.otlp.certificate")
def test_only_a_trusted_receiver_gets_anything(certificate: Path) -> None:
    with OtlpReceiver(certificate=certificate) as server:
        strange = send(server.url)
        assert strange.outcome == "unreachable"
        assert "certificate verify failed" in strange.message
        assert server.requests == []
        assert send(server.url, certificate=certificate).outcome == "accepted"


def test_a_client_may_show_a_certificate(certificate: Path) -> None:
    key = certificate.with_suffix(".key")
    with OtlpReceiver(certificate=certificate) as server:
        reply = send(
            server.url,
            certificate=certificate,
            client_certificate=certificate,
            client_key=key,
        )
    assert reply.outcome == "accepted"
