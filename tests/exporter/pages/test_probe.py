from __future__ import annotations

import gzip
import threading
from typing import Any

import pytest
import structlog.testing
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.pages.ring import Ring
from exporter.prober.prober import ProberGone
from runtime.probing.jobs import BUILT_IN
from runtime.probing.probes import HttpProbe, IcmpProbe, TlsProbe
from runtime.probing.rules import Rule
from runtime.probing.wire import Plan, Result
from tests.exporter.exposition import parse
from tests.exporter.pages.asking import Ask, FakeProber, get, probe_page, succeeds
from tests.fakes import FakeClock

GATEWAY: dict[str, Any] = {"destinations": [{"name": "gateway", "host": "192.0.2.1"}]}
TIMEOUT = "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"


def test_a_configured_destination_is_probed_by_its_name_or_its_host() -> None:
    prober = FakeProber()
    page = probe_page(prober, probes=GATEWAY)
    for target in ("gateway", "192.0.2.1"):
        got = get(page, f"target={target}&module=icmp")
        assert got.status == 200
        assert parse(got.text)["probe_success"].samples == {(): 1}
        ask = prober.asked[-1]
        assert (ask.target.name, ask.target.host) == ("gateway", "192.0.2.1")
        assert ask.guard is not None
        assert ask.guard.allow == (Rule(network="192.0.2.1/32"),)
        assert ask.guard.redirects


def test_destinations_and_modules_of_the_plan_are_known() -> None:
    plan = Plan.model_validate(
        {
            "version": "1",
            "modules": [{"name": "quick", "kind": "icmp", "timeout": "100ms"}],
            "destinations": [
                {"name": "db", "host": "db.example.org:5432"},
                {"name": "off", "host": "off.example.org", "enabled": False},
            ],
        }
    )
    prober = FakeProber(plan=plan)
    page = probe_page(prober)
    assert get(page, "target=db&module=quick").status == 200
    assert prober.asked[-1].probe.timeout == 0.1
    assert prober.asked[-1].guard is not None
    assert prober.asked[-1].guard.allow == (Rule(name="db.example.org"),)
    assert get(page, "target=off&module=quick").status == 403


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("", 400, "target is missing"),
        ("target=", 400, "target is missing"),
        (
            "target=gateway&module=nix",
            400,
            "unknown module 'nix'; known are http, icmp",
        ),
        ("target=gateway&target=x", 400, "target is there 2 times"),
        ("target=gateway&hostname=a%0d%0ab", 400, "hostname is not the name"),
        ("target=gateway&hostname=fe80::1%25a%0d%0ab:c", 400, "hostname is not the"),
        ("target=gateway&hostname=a.test:%D9%A1", 400, "hostname is not the name"),
        ("target=a%20b", 400, "characters that no host"),
        ("target=elsewhere.example.org", 403, "no rule of exporter.probe.allow"),
    ],
)
def test_what_is_wrong_is_told(query: str, status: int, reason: str) -> None:
    prober = FakeProber()
    got = get(probe_page(prober, probes=GATEWAY), query)
    assert got.status == status
    assert reason in got.text
    assert prober.asked == []


@pytest.mark.setting("exporter.probe.allow")
def test_other_targets_need_a_rule_that_allows_them() -> None:
    prober = FakeProber()
    query = "target=www.example.org:443&module=tls"
    assert get(probe_page(prober), query).status == 403
    page = probe_page(prober, allow=["*.example.org:443"])
    assert get(page, query).status == 200
    assert prober.asked[-1].guard is not None
    assert prober.asked[-1].guard.allow == (
        Rule(name="*.example.org", low=443, high=443),
    )
    assert not prober.asked[-1].guard.redirects


@pytest.mark.parametrize(
    "secret",
    [
        {"bearer_secret": "token"},
        {"user": "me", "password_secret": "password"},
        {"headers": ["authorization: Basic bWU6"]},
        {"headers": ["Cookie: session=1"]},
        {"headers": ["Private-Token: key"]},
    ],
)
def test_modules_with_secrets_tell_them_to_configured_destinations_only(
    secret: dict[str, Any],
) -> None:
    module = {"name": "login", "kind": "http", **secret}
    probes = {**GATEWAY, "modules": [module]}
    page = probe_page(FakeProber(), probes=probes, allow=["0.0.0.0/0"])
    assert get(page, "target=gateway&module=login").status == 200
    got = get(page, "target=http://www.example.org&module=login")
    assert got.status == 403
    assert "sends secrets" in got.text


@pytest.mark.setting("exporter.probe.any_module")
def test_modules_may_be_confined_to_those_of_jobs() -> None:
    job = {"name": "pings", "destinations": ["gateway"], "probes": ["icmp"]}
    probes = {**GATEWAY, "jobs": [job]}
    page = probe_page(FakeProber(), probes=probes, any_module=False)
    assert get(page, "target=gateway&module=icmp").status == 200
    got = get(page, "target=gateway&module=tcp")
    assert got.status == 400
    assert got.text == "unknown module 'tcp'; known are icmp.\n"
    assert get(probe_page(FakeProber(), probes=probes), "target=gateway&module=tcp")


def test_without_a_module_it_is_that_of_blackbox_exporter_or_http() -> None:
    prober = FakeProber()
    get(probe_page(prober, probes=GATEWAY), "target=gateway")
    assert prober.asked[-1].probe == BUILT_IN["http"]
    modules = [{"name": "http_2xx", "kind": "http"}]
    get(probe_page(prober, probes={**GATEWAY, "modules": modules}), "target=gateway")
    assert prober.asked[-1].probe.name == "http_2xx"


@pytest.mark.setting("exporter.probe.offset")
def test_the_scrapers_timeout_leaves_time_for_the_answer() -> None:
    prober = FakeProber()
    page = probe_page(prober, probes=GATEWAY, offset="250ms")
    for told, expected in (("3", 2.75), ("0.2", 0.2), ("200", 120.0)):
        get(page, "target=gateway&module=tcp", **{TIMEOUT: told})
        assert prober.asked[-1].timeout == expected
        assert prober.asked[-1].probe.timeout == min(5.0, expected)


@pytest.mark.setting("exporter.probe.timeout")
def test_without_a_timeout_of_the_scraper_ours_holds() -> None:
    prober = FakeProber()
    page = probe_page(prober, probes=GATEWAY, timeout="2s")
    for headers in ({}, {TIMEOUT: "0"}):
        get(page, "target=gateway&module=tcp", **headers)
        assert prober.asked[-1].timeout == 2.0


@pytest.mark.parametrize("text", ["abc", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_number_is_refused(text: str) -> None:
    got = get(probe_page(FakeProber(), probes=GATEWAY), "target=x", **{TIMEOUT: text})
    assert got.status == 400
    assert "no number of seconds" in got.text


def test_more_echo_requests_than_fit_are_refused() -> None:
    module = {"name": "ten", "kind": "icmp", "count": 10}
    prober = FakeProber()
    page = probe_page(prober, probes={**GATEWAY, "modules": [module]})
    got = get(page, "target=gateway&module=ten", **{TIMEOUT: "9"})
    assert got.status == 400
    assert "sends 10 requests 1s apart" in got.text
    get(page, "target=gateway&module=ten", **{TIMEOUT: "10"})
    ping = prober.asked[-1].probe
    assert isinstance(ping, IcmpProbe)
    assert ping.timeout == 0.5


def test_a_host_name_is_said_and_asked_for() -> None:
    prober = FakeProber()
    own = {"name": "own", "kind": "http", "headers": ["Host: own.example.org"]}
    page = probe_page(prober, probes={**GATEWAY, "modules": [own]})
    get(page, "target=gateway&module=http&hostname=www.example.org")
    web = prober.asked[-1].probe
    assert isinstance(web, HttpProbe)
    assert web.headers == ("Host: www.example.org",)
    get(page, "target=gateway&module=tls&hostname=www.example.org")
    tls = prober.asked[-1].probe
    assert isinstance(tls, TlsProbe)
    assert tls.tls_settings.server_name == "www.example.org"
    got = get(page, "target=gateway&module=own&hostname=www.example.org")
    assert got.status == 400
    assert "has a header Host" in got.text
    same = get(page, "target=gateway&module=own&hostname=own.example.org")
    assert same.status == 200


def test_openmetrics_and_gzip_are_spoken() -> None:
    page = probe_page(FakeProber(), probes=GATEWAY)
    got = get(
        page,
        "target=gateway&module=icmp",
        HTTP_ACCEPT="application/openmetrics-text;version=1.0.0",
        HTTP_ACCEPT_ENCODING="gzip",
    )
    assert got.headers["Content-Type"].startswith("application/openmetrics-text")
    text = gzip.decompress(got.body).decode()
    assert text.endswith("# EOF\n")
    assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # untyped library


def test_debugging_tells_each_step_and_hides_secrets() -> None:
    module = {
        "name": "web",
        "kind": "http",
        "headers": ["Authorization: s3cret", "Accept: */*"],
        "body": "s3cret",
        "url": "http://me:s3cret@{host}/",
    }
    page = probe_page(FakeProber(), probes={**GATEWAY, "modules": [module]})
    text = get(page, "target=gateway&module=web&debug=true").text
    assert "0.200000 connected\n" in text
    assert "probe_success 1.0\n" in text
    assert "kind: http" in text
    assert "Accept: */*" in text
    assert "s3cret" not in text
    assert text.count("<hidden>") == 3


def test_only_who_is_here_or_has_a_token_may_debug() -> None:
    query = "target=gateway&module=icmp&debug=true"
    prober = FakeProber()
    page = probe_page(prober, probes=GATEWAY)
    assert get(page, query, REMOTE_ADDR="::ffff:127.0.0.1").status == 200
    assert get(page, query, REMOTE_ADDR="192.0.2.7").status == 403
    assert get(page, query, HTTP_X_FORWARDED_FOR="192.0.2.7").status == 403
    assert len(prober.asked) == 1
    with_token = probe_page(prober, probes=GATEWAY, everyone=False)
    assert get(with_token, query, REMOTE_ADDR="192.0.2.7").status == 200


@pytest.mark.setting("exporter.probe.burst")
@pytest.mark.setting("exporter.probe.rate")
def test_clients_that_ask_too_often_are_told_when_to_come_again() -> None:
    clock = FakeClock()
    page = probe_page(FakeProber(), probes=GATEWAY, clock=clock, rate=6, burst=2)
    query = "target=gateway&module=icmp"
    assert [get(page, query).status for _ in range(3)] == [200, 200, 429]
    assert get(page, query).headers["Retry-After"] == "10"
    assert get(page, query, REMOTE_ADDR="192.0.2.7").status == 200
    clock.advance(10)
    assert [get(page, query).status for _ in range(2)] == [200, 429]


@pytest.mark.setting("exporter.probe.max_probes")
def test_no_more_probes_go_on_at_once_than_may() -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(ask: Ask) -> Result:
        began.set()
        assert go_on.wait(30)
        return succeeds(ask)

    page = probe_page(FakeProber(slow), probes=GATEWAY, max_probes=1)
    query = "target=gateway&module=icmp"
    first = threading.Thread(target=get, args=(page, query))
    first.start()
    assert began.wait(30)
    got = get(page, query)
    go_on.set()
    first.join()
    assert (got.status, got.headers["Retry-After"]) == (503, "1")
    assert get(page, query).status == 200


def test_a_prober_that_is_gone_is_told() -> None:
    def gone(_: Ask) -> Result:
        raise ProberGone("the prober is being started again")

    got = get(probe_page(FakeProber(gone), probes=GATEWAY), "target=gateway")
    assert got.status == 503
    assert got.text == "the prober is being started again.\n"


def test_what_became_of_requests_is_counted() -> None:
    def broken(_: Ask) -> Result:
        raise RuntimeError

    prober = FakeProber()
    page = probe_page(prober, probes=GATEWAY)
    for query in ("target=gateway", "target=", "target=x.example.org"):
        get(page, query)
    prober.answer = broken
    with structlog.testing.capture_logs():
        assert get(page, "target=gateway").status == 500
    outcomes, in_flight = page.families()
    assert dict(outcomes.samples) == {
        ("answered",): 1,
        ("bad_request",): 1,
        ("refused",): 1,
        ("limited",): 0,
        ("busy",): 0,
        ("failed",): 1,
    }
    assert in_flight.samples == (((), 0),)


@pytest.mark.setting("exporter.probe.results")
def test_the_last_results_are_kept() -> None:
    ring = Ring(2)
    page = probe_page(FakeProber(), probes=GATEWAY, ring=ring, results=2)
    for module in ("icmp", "tcp", "tls"):
        get(page, f"target=gateway&module={module}")
    assert [kept.result.probe for kept in ring.newest()] == ["tls", "tcp"]
