from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.sources.api import Api
from bridge.sources.base import SourceError
from bridge.sources.client import Client
from bridge.sources.selectors import parse
from bridge.telemetry import Telemetry
from runtime.clock import SystemClock
from tests.fake_prometheus import FakePrometheus
from tests.web import Asked, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes import FakeClock


class Setup:
    """A fake server and an API that asks it."""

    def __init__(self, server: FakePrometheus, clock: FakeClock) -> None:
        self.server = server
        self.clock = clock
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry.create(self.registry)

    def api(self, **options: Any) -> Api:
        client = Client(self.server.url, timeout=5, max_response=10**6)
        return Api(
            client,
            name="main",
            timeout=5,
            retries=options.get("retries", 2),
            token=options.get("token"),
            telemetry=self.telemetry,
            clock=options.get("clock", self.clock),
            random=options.get("random", lambda: 0.5),
        )

    def fails(self, *answers: Told | None) -> None:
        """Have the first requests answered so; None is a good answer."""
        left = list(answers)
        self.server.interfere = lambda _: left.pop(0) if left else None

    def count(self, outcome: str) -> float | None:
        labels = {"source": "main", "outcome": outcome}
        return self.registry.get_sample_value(
            "epimetheus_source_requests_total", labels
        )


@pytest.fixture
def setup(clock: FakeClock) -> Iterator[Setup]:
    with FakePrometheus() as server:
        yield Setup(server, clock)


def test_raw_samples_are_asked_for_a_millisecond_before_the_end(setup: Setup) -> None:
    with closing(setup.api()) as api:
        api.raw(parse('up{job="a"}'), 1_700_000_040_000, 1_700_000_100_000)
        api.raw(parse("up"), 1_700_000_040_500, 1_700_000_100_000)
    first, second = setup.server.web.asked
    assert (first.method, first.path) == ("POST", "/api/v1/query")
    assert first.fields == {
        "query": '{__name__="up",job="a"}[60s]',
        "time": "1700000099.999",
        "timeout": "5s",
    }
    assert second.fields["query"] == '{__name__="up"}[59500ms]'


@pytest.mark.rule(85)
def test_r85_the_time_is_the_servers(setup: Setup) -> None:
    setup.server.now = 1_234_567_890.1234
    with closing(setup.api()) as api:
        assert api.now_ms() == 1_234_567_890_123


@pytest.mark.setting("sources.prometheus.retries")
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_failed_request_is_tried_again_as_often_as_set(
    setup: Setup, retries: int
) -> None:
    setup.server.interfere = lambda _: Told(b"busy", 503)
    with (
        closing(setup.api(retries=retries)) as api,
        pytest.raises(SourceError, match="answered 503: busy"),
    ):
        api.now_ms()
    assert len(setup.server.web.asked) == 1 + retries
    assert setup.count("status") == 1 + retries
    assert setup.count("ok") is None


def test_pauses_double_and_vary(setup: Setup) -> None:
    setup.server.interfere = lambda _: Told(b"busy", 503)
    began = setup.clock.monotonic()
    randoms = iter([0.0, 0.5, 1.0])
    with (
        closing(setup.api(retries=3, random=lambda: next(randoms))) as api,
        pytest.raises(SourceError),
    ):
        api.now_ms()
    assert setup.clock.monotonic() - began == 0.25 * 0.5 + 0.5 * 1.0 + 1.0 * 1.5


def test_what_fails_once_and_then_works_is_answered(setup: Setup) -> None:
    setup.fails(Told(b"busy", 503), Told(b"<html>", 200))
    with closing(setup.api()) as api:
        assert api.now_ms() == 1_700_000_000_000
    counts = {name: setup.count(name) for name in ("status", "garbage", "ok")}
    assert counts == {"status": 1, "garbage": 1, "ok": 1}


@pytest.mark.parametrize("told", [Told(b"", 401), Told(b"", 404), Told(b"x" * 10**7)])
def test_what_will_not_help_is_not_tried_again(setup: Setup, told: Told) -> None:
    setup.fails(told)
    with closing(setup.api()) as api, pytest.raises(SourceError) as caught:
        api.now_ms()
    assert caught.value.permanent
    assert len(setup.server.web.asked) == 1


def test_bad_queries_carry_the_servers_words(setup: Setup) -> None:
    said = b'{"status":"error","errorType":"bad_data","error":"parse error: eh?"}'
    setup.fails(Told(said, 400))
    with (
        closing(setup.api()) as api,
        pytest.raises(SourceError, match=r"bad_data: parse error: eh\?"),
    ):
        api.vector("eh?", 0)


def test_closing_ends_the_pauses(setup: Setup) -> None:
    setup.server.interfere = lambda _: Told(b"busy", 503)
    api = setup.api(retries=10, clock=SystemClock())
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            api.now_ms()
        except SourceError as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not setup.server.web.asked:
        asking.join(0.001)
    api.close()
    asking.join(10)
    assert len(raised) == 1
    assert len(setup.server.web.asked) < 11


@pytest.mark.setting("sources.prometheus.bearer_token")
@pytest.mark.parametrize("token", [None, "s3cret"])
def test_the_bearer_token_is_sent_where_there_is_one(
    setup: Setup, token: str | None
) -> None:
    def answer(asked: Asked) -> Told | None:
        good = asked.headers.get("authorization") == "Bearer s3cret"
        return None if good else Told(b"", 401)

    setup.server.interfere = answer
    with closing(setup.api(token=token)) as api:
        if token:
            assert api.now_ms() == 1_700_000_000_000
        else:
            with pytest.raises(SourceError, match="check the bearer token") as caught:
                api.now_ms()
            assert caught.value.reason == "unauthorized"


def test_bytes_and_seconds_of_answers_are_counted(setup: Setup) -> None:
    with closing(setup.api()) as api:
        api.metadata()
    value = setup.registry.get_sample_value
    source = {"source": "main"}
    assert value("epimetheus_source_response_bytes_total", source) == len(
        b'{"status":"success","data":{}}'
    )
    assert value("epimetheus_source_request_seconds_count", source) == 1


def _ask_everything(api: Api) -> list[Callable[[], object]]:
    up = parse("up")
    return [
        api.now_ms,
        lambda: api.vector("count(up)", 0),
        lambda: api.series(up, 0, 1000),
        lambda: api.has_series(up, 0, 1000),
        lambda: api.has_samples(up, 0, 1000),
        api.metadata,
        api.targets,
        api.config,
    ]


def test_answers_of_another_shape_are_garbage(setup: Setup) -> None:
    setup.server.interfere = lambda _: Told(b'{"status":"success","data":5}')
    with closing(setup.api(retries=0)) as api:
        for ask in _ask_everything(api):
            with pytest.raises(SourceError) as caught:
                ask()
            assert caught.value.reason == "garbage"


def test_series_and_their_samples_are_found_in_a_span(setup: Setup) -> None:
    setup.server.add("up", [(1000, 1.0)], job="a")
    up = parse("up")
    with closing(setup.api()) as api:
        assert api.series(up, 0, 2000) == [{"__name__": "up", "job": "a"}]
        assert api.series(up, 2000, 3000) == []
        assert api.has_series(up, 0, 2000)
        assert not api.has_series(up, 2000, 3000)
        assert api.has_samples(up, 0, 1001)
        assert not api.has_samples(up, 0, 1000)
        assert not api.has_samples(parse("down"), 0, 2000)
