from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Never
from wsgiref.util import setup_testing_defaults

import pytest
import structlog.testing
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.app import App
from exporter.collectors.base import Family, Metric
from exporter.pages.answer import plain
from exporter.registry import Registry
from exporter.telemetry import Telemetry
from runtime.clock import SystemClock
from tests.exporter.exposition import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from exporter.pages.answer import Page

OPENMETRICS = {"HTTP_ACCEPT": "application/openmetrics-text;version=1.0.0"}


class Response(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


class Collector:
    """Gives a constant after having done what it is told."""

    metric = Metric("node_one", "gauge", "One.")

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self._act = act

    def collect(self) -> list[Family]:
        self._act()
        return [self.metric.of(1)]


class Client:
    """Asks an application as a server would."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(
        self, path: str = "/metrics", query: str = "", method: str = "GET", **more: str
    ) -> Response:
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        environ |= {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method}
        got: list[tuple[str, dict[str, str]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: Any = None, /
        ) -> Callable[[bytes], object]:
            got.append((status, dict(headers)))
            return bytes

        body = b"".join(self._app(environ | more, start_response))
        ((status, headers),) = got
        return Response(status, headers, body)


def _app(
    act: Callable[[], object] = lambda: None,
    *,
    deadline: float = 30.0,
    token: str | None = None,
    max_scrapes: int = 8,
    gzip_level: int = 3,
    pages: Mapping[str, Page] | None = None,
    more: Sequence[Callable[[], Iterable[Family]]] = (),
) -> Client:
    clock = SystemClock()
    collectors = {"one": Collector(act), "two": Collector(act)}
    collectors["two"].metric = Metric("node_two", "gauge", "Two.")
    registry = Registry(collectors, deadline=deadline, clock=clock)
    return Client(
        App(
            registry,
            Telemetry(clock),
            token=token,
            max_scrapes=max_scrapes,
            gzip_level=gzip_level,
            pages=pages,
            more=more,
        )
    )


def test_metrics_are_those_of_the_collectors_and_the_exporter_itself() -> None:
    response = _app()()
    assert response.status == "200 OK"
    assert response.headers == {
        "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
        "Content-Length": str(len(response.body)),
        "Vary": "Accept, Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    found = parse(response.body.decode())
    assert {"node_one", "node_two", "node_scrape_collector_success"} <= found.keys()
    assert found["epimetheus_exporter_scrapes_in_flight"].samples == {(): 1}


def test_openmetrics_is_answered_to_who_wants_it() -> None:
    response = _app()(**OPENMETRICS)
    assert response.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    parsed = text_string_to_metric_families(response.body.decode())  # type: ignore[no-untyped-call]  # untyped library
    assert {"node_one", "epimetheus_exporter_scrapes"} <= {f.name for f in parsed}


@pytest.mark.setting("exporter.gzip_level")
def test_answers_are_compressed_at_the_level_of_the_settings() -> None:
    accepts = {"HTTP_ACCEPT_ENCODING": "gzip"}
    plain = _app(gzip_level=0)(**accepts)
    assert "Content-Encoding" not in plain.headers
    fast, small = (_app(gzip_level=level)(**accepts) for level in (1, 9))
    for response in (fast, small):
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(response.body).startswith(b"# HELP node_one")
        assert len(response.body) < len(plain.body)
    assert len(small.body) < len(fast.body)
    assert "Content-Encoding" not in _app(gzip_level=9)().headers


def test_filters_choose_collectors() -> None:
    client = _app()
    asked = parse(client(query="collect[]=two").body.decode())
    assert "node_two" in asked
    assert "node_one" not in asked
    encoded = parse(client(query="exclude%5B%5D=two").body.decode())
    assert "node_one" in encoded
    assert "node_two" not in encoded


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("collect[]=nix", "unknown collector 'nix'; enabled are one, two.\n"),
        (
            "collect[]=one&exclude[]=two",
            "collect[] and exclude[] exclude each other.\n",
        ),
    ],
)
def test_filters_that_cannot_be_met_are_a_bad_request(query: str, reason: str) -> None:
    client = _app()
    response = client(query=query)
    assert (response.status, response.body.decode()) == ("400 Bad Request", reason)
    assert _outcomes(client)["bad_request"] == 1


def _outcomes(client: Client) -> dict[str, float]:
    scrapes = parse(client().body.decode())["epimetheus_exporter_scrapes_total"]
    return {dict(labels)["outcome"]: value for labels, value in scrapes.samples.items()}


@pytest.mark.setting("exporter.max_scrapes")
def test_a_scrape_too_many_is_told_to_come_later() -> None:
    entered, let_go = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        let_go.wait(30)

    client = _app(block, max_scrapes=1)
    first = threading.Thread(target=client)
    first.start()
    assert entered.wait(30)
    response = client()
    assert response.status == "503 Service Unavailable"
    assert response.headers["Retry-After"] == "1"
    assert response.body == b"1 scrapes are in flight; try again later.\n"
    assert client("/-/healthy").status == "200 OK"
    let_go.set()
    first.join()
    assert _outcomes(client) == {
        "answered": 1,
        "busy": 1,
        "unauthorized": 0,
        "bad_request": 0,
        "failed": 0,
    }


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("Bearer s3cret", True),
        ("bearer s3cret", True),
        ("Bearer  s3cret ", True),
        ("Bearer s3cre", False),
        ("Bearer S3CRET", False),
        ("Basic s3cret", False),
        ("s3cret", False),
        ("Bearer \N{EURO SIGN}", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/"])
def test_with_a_token_only_who_sends_it_is_answered(
    path: str, header: str, *, allowed: bool
) -> None:
    client = _app(token="s3cret")  # noqa: S106 - of this test alone
    response = client(path, HTTP_AUTHORIZATION=header)
    if allowed:
        assert response.status == "200 OK"
    else:
        assert response.status == "401 Unauthorized"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert b"node_one" not in response.body


def test_a_token_may_hold_any_letter() -> None:
    client = _app(token="gehe\N{LATIN SMALL LETTER I WITH DIAERESIS}m")  # noqa: S106 - of this test alone
    sent = "Bearer gehe\N{LATIN SMALL LETTER I WITH DIAERESIS}m".encode()
    response = client(HTTP_AUTHORIZATION=sent.decode("latin-1"))
    assert response.status == "200 OK"


def test_without_its_token_a_scrape_does_not_run_and_is_counted() -> None:
    ran: list[int] = []
    client = _app(lambda: ran.append(1), token="s3cret")  # noqa: S106 - of this test alone
    client()
    assert ran == []
    found = parse(client(HTTP_AUTHORIZATION="Bearer s3cret").body.decode())
    scrapes = found["epimetheus_exporter_scrapes_total"].samples
    assert scrapes[(("outcome", "unauthorized"),)] == 1


def test_health_needs_no_token_and_no_collector() -> None:
    def fail() -> Never:
        raise AssertionError

    response = _app(fail, token="s3cret")("/-/healthy")  # noqa: S106 - of this test alone
    assert (response.status, response.body) == ("200 OK", b"Healthy.\n")


def test_the_page_lists_the_collectors_and_the_version() -> None:
    response = _app()("/")
    page = response.body.decode()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="metrics"' in page
    assert 'href="metrics?collect[]=one">one</a>' in page
    assert "Version " in page


def test_other_paths_are_not_found() -> None:
    response = _app()("/probe")
    assert response.status == "404 Not Found"
    assert response.body == b"There is /metrics, /-/healthy and /.\n"


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy"])
def test_other_methods_are_refused(path: str) -> None:
    response = _app()(path, method="POST")
    assert response.status == "405 Method Not Allowed"
    assert response.headers["Allow"] == "GET, HEAD"


def test_head_has_the_headers_of_get_and_no_body() -> None:
    client = _app()
    head, get = client("/-/healthy", method="HEAD"), client("/-/healthy")
    assert head.body == b""
    assert head.headers == get.headers


@pytest.mark.parametrize(("timeout", "expected"), [("0.25", 0), ("nan", 1), ("x", 1)])
def test_a_hung_collector_is_given_up_within_the_scraper_s_timeout(
    timeout: str, expected: int
) -> None:
    let_go = threading.Event()
    # Only the first scrape hangs, so that a timeout that means nothing ends at once.
    hangs = timeout == "0.25"
    client = _app(lambda: let_go.wait(30) if hangs else None)
    response = client(HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS=timeout)
    success = parse(response.body.decode())["node_scrape_collector_success"].samples
    assert set(success.values()) == {expected}
    let_go.set()


def test_a_mistake_of_the_exporter_is_said_and_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = _app()

    def break_down(*_: object) -> Never:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch, structlog.testing.capture_logs() as logs:
        patch.setattr(Registry, "scrape", break_down)
        response = client()
    assert response.status == "500 Internal Server Error"
    assert [line["event"] for line in logs] == ["scrape failed"]
    assert _outcomes(client)["failed"] == 1


def test_further_pages_are_shown_to_whoever_sees_the_metrics() -> None:
    pages: dict[str, Page] = {"/probes": lambda _: plain("200 OK", "Probed.")}
    client = _app(token="s3cret", pages=pages)  # noqa: S106 - of this test alone
    allowed = {"HTTP_AUTHORIZATION": "Bearer s3cret"}
    assert client("/probes").status == "401 Unauthorized"
    assert client("/probes", **allowed).body == b"Probed.\n"
    assert b'<a href="probes">' in client("/", **allowed).body
    assert b'<a href="probes">' not in _app()("/").body
    assert client("/nothing").body == (
        b"There is /probes, /metrics, /-/healthy and /.\n"
    )


def test_further_families_are_part_of_every_scrape() -> None:
    metric = Metric("more", "gauge", "More.")
    client = _app(more=[lambda: [metric.of(1)]])
    for query in ("", "collect[]=one", "exclude[]=one"):
        assert "more" in parse(client(query=query).body.decode())
