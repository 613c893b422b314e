from __future__ import annotations

import gzip
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.sources.base import SourceError
from bridge.sources.client import Client, Reply
from tests.web import Asked, FakeWeb, Told

DATA = Path(__file__).parents[2] / "data"


def client(web: FakeWeb, **options: Any) -> closing[Client]:
    options = {"timeout": 5.0, "max_response": 1000, **options}
    return closing(Client(web.url, **options))


def failed(told: Told, **options: Any) -> SourceError:
    """Return the error that an answer makes; the next good one must come through."""
    answers = [told, Told(b"good")]
    with FakeWeb(lambda _: answers.pop(0)) as web, client(web, **options) as asking:
        with pytest.raises(SourceError) as caught:
            asking.request("GET", "/")
        assert asking.request("GET", "/").body == b"good"
    return caught.value


def test_a_get_has_its_fields_in_the_query_and_a_post_in_the_body() -> None:
    with FakeWeb(lambda asked: Told(asked.path.encode())) as web:
        with closing(Client(f"{web.url}/base", timeout=5, max_response=99)) as asking:
            fields = {"query": 'up{a="ä&b"}', "time": "1.5"}
            got = asking.request("GET", "/x", fields=fields, headers={"A": "b"})
            asking.request("POST", "/y", fields=fields)
        assert (got.status, got.body) == (200, b"/base/x")
        assert [(one.method, one.path, one.fields) for one in web.asked] == [
            ("GET", "/base/x", fields),
            ("POST", "/base/y", fields),
        ]
        assert web.asked[0].headers["a"] == "b"
        assert web.asked[1].headers["content-type"] == (
            "application/x-www-form-urlencoded"
        )


def test_every_status_is_an_answer_and_redirects_are_not_followed() -> None:
    told = [Told(b"no", 503), Told(b"", 302, {"Location": "/elsewhere"})]
    with FakeWeb(lambda _: told.pop(0)) as web, client(web) as asking:
        assert asking.request("GET", "/").status == 503
        moved = asking.request("GET", "/")
        assert (moved.status, moved.headers["location"]) == (302, "/elsewhere")
        assert len(web.asked) == 2


def test_a_connection_is_used_again() -> None:
    with FakeWeb(lambda _: Told(b"x")) as web, client(web) as asking:
        for _ in range(5):
            asking.request("GET", "/")
        assert (len(web.asked), web.connections) == (5, 1)


@pytest.mark.setting("sources.prometheus.gzip")
@pytest.mark.parametrize(("wanted", "sent"), [(True, "gzip"), (False, "identity")])
def test_compression_is_asked_for_as_set(*, wanted: bool, sent: str) -> None:
    body = b"a" * 900

    def answer(asked: Asked) -> Told:
        if asked.headers["accept-encoding"] == "gzip":
            return Told(gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return Told(body)

    with FakeWeb(answer) as web, client(web, gzip=wanted) as asking:
        assert asking.request("GET", "/").body == body
        assert web.asked[0].headers["accept-encoding"] == sent


def test_a_refused_connection_is_told_apart() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with (
            closing(Client(url, timeout=5, max_response=9)) as asking,
            pytest.raises(SourceError, match="Connection refused") as caught,
        ):
            asking.request("GET", "/")
    assert (caught.value.reason, caught.value.permanent) == ("refused", False)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(b"x" * 10, cut=0, stall=True), id="silent after the headers"),
        pytest.param(Told(b"x" * 10, cut=5, stall=True), id="stalled in the body"),
        pytest.param(Told(b"x" * 900, drip=True), id="a body byte by byte"),
        pytest.param(Told(b"x" * 900, drip=True, chunked=True), id="a chunk by bytes"),
    ],
)
@pytest.mark.setting("sources.prometheus.timeout")
def test_the_deadline_is_for_the_whole_answer(told: Told) -> None:
    error = failed(told, timeout=0.2)
    assert (error.reason, error.permanent) == ("timeout", False)
    assert str(error) == "no whole answer in 0.2 s"


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(b"x" * 100, cut=10), id="shorter than announced"),
        pytest.param(Told(b"x" * 100, cut=10, chunked=True), id="within a chunk"),
        pytest.param(Told(raw=b""), id="closed without an answer"),
        pytest.param(
            Told(gzip.compress(b"x" * 99)[:-9], headers={"Content-Encoding": "gzip"}),
            id="compressed and cut",
        ),
    ],
)
def test_an_answer_that_breaks_off_is_truncated(told: Told) -> None:
    error = failed(told)
    assert (error.reason, error.permanent) == ("truncated", False)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), id="another protocol"),
        pytest.param(
            Told(b"not gzip", headers={"Content-Encoding": "gzip"}), id="no gzip"
        ),
        pytest.param(
            Told(b"?", headers={"Content-Encoding": "br"}), id="not asked for"
        ),
    ],
)
def test_an_answer_that_is_none_is_garbage(told: Told) -> None:
    error = failed(told)
    assert (error.reason, error.permanent) == ("garbage", False)


def test_little_is_quoted_of_what_is_no_http() -> None:
    error = failed(Told(raw=b"<html>" + b"x" * 9000 + b"\r\n\r\n"))
    assert str(error) == f"the answer is no HTTP: <html>{'x' * 74}"


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(b"x" * 1001), id="announced"),
        pytest.param(Told(b"x" * 1001, chunked=True), id="not announced"),
        pytest.param(
            Told(gzip.compress(b"0" * 10**7), headers={"Content-Encoding": "gzip"}),
            id="compressed",
        ),
    ],
)
@pytest.mark.setting("sources.prometheus.max_response")
def test_an_answer_that_is_too_large_is_refused(told: Told) -> None:
    if told.headers:
        assert len(told.body) > 1000
    error = failed(told, max_response=1000)
    assert (error.reason, error.permanent) == ("too_large", True)
    assert str(error) == "the answer has more than 1000 bytes"


def test_the_largest_answer_allowed_comes_through() -> None:
    with FakeWeb(lambda _: Told(b"x" * 1000)) as web, client(web) as asking:
        assert asking.request("GET", "/") == Reply(
            200, b"x" * 1000, asking.request("GET", "/").headers
        )


def test_servers_with_a_certificate_that_is_trusted_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = DATA / "tls" / "loopback.crt"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        FakeWeb(lambda _: Told(b"x" * 9, chunked=True), certificate) as web,
        client(web) as asking,
    ):
        for _ in range(2):
            assert asking.request("POST", "/", fields={"a": "b"}).body == b"x" * 9
        assert web.url.startswith("https://")


def test_servers_with_a_certificate_that_is_not_trusted_are_refused() -> None:
    certificate = DATA / "tls" / "loopback.crt"
    with (
        FakeWeb(lambda _: Told(b"x"), certificate) as web,
        client(web) as asking,
        pytest.raises(SourceError, match="certificate verify failed") as caught,
    ):
        asking.request("GET", "/")
    assert caught.value.reason == "refused"
    assert web.asked == []
