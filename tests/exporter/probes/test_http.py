from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.authority import issue, seconds
from tests.exporter.probes.peers import resetting, silent, unused_port
from tests.exporter.probes.trying import Names, said, tools, tried
from tests.exporter.probes.web import Site, handler, page

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Peers


@pytest.mark.setting("probes.modules.http.kind")
@pytest.mark.setting("probes.modules.http.name")
@pytest.mark.setting("probes.modules.http.url")
def test_an_answer_is_told_phase_by_phase(peers: Peers) -> None:
    modified = "Wed, 21 Oct 2015 07:28:00 GMT"
    site = Site({"/a/b?c=d": page(body=b"x" * 5000, Last_Modified=modified)})
    port = peers.serve(site.http1)
    result = tried("http", f"good.test:{port}", url="http://{host}/a/b?c=d")
    url = f"http://good.test:{port}/a/b?c=d"
    assert (result.reason, result.kind, result.probe) == ("", "http", "m")
    assert list(result.phases) == ["resolve", "connect", "processing", "transfer"]

    (total,) = result.rtts
    assert total is not None
    assert sum(result.phases.values()) <= total <= result.seconds
    assert result.facts.pop("rate") > 0
    assert result.facts == {
        "status": 200,
        "version": "1.1",
        "redirects": 0,
        "final_url": url,
        "content_length": 5000,
        "body_bytes": 5000,
        "uncompressed_bytes": 5000,
        "last_modified": 1445412480,
        "ssl": False,
        "failed_due_to_regex": False,
        "trail": [url],
    }
    assert site.asked[0].headers == {
        "host": f"good.test:{port}",
        "user-agent": "epimetheus-prober",
        "accept": "*/*",
        "connection": "close",
    }


def test_a_destination_may_be_a_url_itself(peers: Peers) -> None:
    site = Site({"/%C3%A4%20b?q=%C3%A4": page()})
    port = peers.serve(site.http1)
    assert tried("http", f"http://127.0.0.1:{port}/ä%20b?q=ä#part").reason == ""


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ftp://h/", "is not http or https"),
        ("http://me:secret@h/", "set user and password_secret"),
        ("http://h:99999/", "cannot be asked for"),
        ("http://:80/", "names no host"),
    ],
)
def test_urls_that_cannot_be_asked_for_are_wrong_settings(
    host: str, words: str
) -> None:
    result = tried("http", host)
    assert (result.reason, result.address) == ("wrong_settings", "")
    assert words in result.message
    assert "secret@" not in result.message + said(result)


@pytest.mark.setting("probes.modules.http.method")
@pytest.mark.setting("probes.modules.http.headers")
@pytest.mark.setting("probes.modules.http.body")
def test_a_request_is_what_the_settings_say(peers: Peers) -> None:
    site = Site({"/": page()})
    port = peers.serve(site.http1)
    tried(
        "http",
        f"127.0.0.1:{port}",
        method="POST",
        headers=["X-One: 1", "host: other.test", "User-Agent: me"],
        body="é",
    )
    asked = site.asked[0]
    assert (asked.method, asked.body) == ("POST", "é".encode())
    assert asked.headers["host"] == "other.test"
    assert asked.headers["x-one"] == "1"
    assert asked.headers["user-agent"] == "me"


@pytest.mark.setting("probes.modules.http.statuses")
@pytest.mark.parametrize(
    ("status", "wanted", "reason"),
    [
        (204, ["2xx"], ""),
        (404, ["2xx"], "wrong_status"),
        (404, ["2xx", "404"], ""),
        (500, ["200", "4xx"], "wrong_status"),
        (304, ["304"], ""),
    ],
)
def test_the_status_is_a_wanted_one(
    status: int, wanted: list[str], reason: str, peers: Peers
) -> None:
    port = peers.serve(handler(page(status, b"")))
    result = tried("http", f"127.0.0.1:{port}", statuses=wanted)
    assert result.reason == reason, result.message
    assert result.facts["status"] == status
    if reason:
        assert result.message == f"the status is {status}, not {', '.join(wanted)}"


@pytest.mark.setting("probes.modules.http.versions")
@pytest.mark.setting("probes.modules.http.http2")
@pytest.mark.parametrize(
    ("offer", "versions", "spoken", "reason"),
    [
        (True, [], "2", ""),
        (True, ["2"], "2", ""),
        (True, ["1.0", "1.1"], "2", "wrong_version"),
        (False, ["1.1"], "1.1", ""),
        (False, ["2"], "1.1", "wrong_version"),
    ],
)
def test_http_2_is_agreed_on_in_the_handshake(
    *,
    offer: bool,
    versions: list[str],
    spoken: str,
    reason: str,
    peers: Peers,
    pki: Pki,
) -> None:
    site = Site({"/": page(body=b"y" * 30_000)})

    async def either(reader: Any, writer: Any) -> None:
        agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        await (site.http2 if agreed == "h2" else site.http1)(reader, writer)

    context = pki.context("h2", "http/1.1")
    port = peers.serve(either, context)
    result = tried(
        "http",
        f"good.test:{port}",
        url="https://{host}/",
        http2=offer,
        versions=versions,
        tls_settings=pki.trust,
    )
    assert result.reason == reason, result.message
    assert result.facts["version"] == spoken
    assert result.facts["body_bytes"] == 30_000
    assert result.facts["ssl"] is True
    assert result.facts["tls"]["verified"] is True
    assert list(result.phases)[2:] == ["tls", "processing", "transfer"]
    assert site.asked[0].headers.get(":authority" if spoken == "2" else "host") == (
        f"good.test:{port}"
    )


def test_http_1_0_without_a_length_is_read_to_its_end(peers: Peers) -> None:
    port = peers.serve(handler(b"HTTP/1.0 200 OK\r\n\r\nold"))
    result = tried("http", f"127.0.0.1:{port}", versions=["1.0"])
    assert result.reason == ""
    assert result.facts["content_length"] == -1
    assert result.facts["body_bytes"] == 3


@pytest.mark.setting("probes.modules.http.tls_settings.ca_file")
@pytest.mark.setting("probes.modules.http.tls_settings.verify")
def test_a_certificate_that_fails_is_told_all_the_same(peers: Peers, pki: Pki) -> None:
    leaf = issue("leaf", pki.root, names=("other.test",))
    port = peers.serve(Site({"/": page()}).http1, leaf.context(pki.folder))
    trust = pki.trust
    url = f"https://good.test:{port}/"
    result = tried("http", url, tls_settings=trust)
    assert result.reason == "certificate_wrong_name"
    ends = seconds(leaf.certificate.not_valid_after_utc)
    assert result.facts["tls"]["leaf_not_after"] == ends
    assert result.certificate == result.facts["tls"]["chain"][0]["sha256"]
    assert "status" not in result.facts
    assert result.facts["ssl"] is True
    trust["verify"] = False
    assert tried("http", url, tls_settings=trust).reason == ""


def test_a_virtual_host_is_asked_for_in_tls_too(peers: Peers, pki: Pki) -> None:
    site = Site({"/": page()})
    leaf = issue("leaf", pki.root, names=("other.test",))
    port = peers.serve(site.http1, leaf.context(pki.folder))
    trust = pki.trust
    result = tried(
        "http",
        f"https://127.0.0.1:{port}/",
        headers=["Host: other.test"],
        tls_settings=trust,
    )
    assert result.reason == "", result.message
    assert site.asked[0].headers["host"] == "other.test"


@pytest.mark.setting("probes.modules.http.tls")
@pytest.mark.parametrize(
    ("scheme", "wanted", "reason"),
    [
        ("http", "required", "tls_missing"),
        ("http", "forbidden", ""),
        ("https", "required", ""),
        ("https", "forbidden", "tls_unwanted"),
    ],
)
def test_tls_can_be_required_and_forbidden(
    scheme: str, wanted: str, reason: str, peers: Peers, pki: Pki
) -> None:
    context = pki.context() if scheme == "https" else None
    port = peers.serve(handler(page()), context)
    trust = pki.trust
    url = f"{scheme}://good.test:{port}/"
    assert tried("http", url, tls=wanted, tls_settings=trust).reason == reason


@pytest.mark.parametrize(
    ("peer", "reason", "words"),
    [
        (resetting, "reset", "reset"),
        (handler(b""), "reset", "ended before the answer"),
        (handler(page()[:-2]), "reset", "ended before the answer"),
        (handler(b"SSH-2.0-x\r\n\r\n"), "protocol_error", "not HTTP"),
        (
            handler(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n"),
            "protocol_error",
            "not HTTP",
        ),
        (silent, "timeout", "within 300ms; the time ran out in phase processing"),
        (handler(b"HTTP/1.1 200 " + b"x" * 200_000), "protocol_error", "not HTTP"),
    ],
)
@pytest.mark.setting("probes.modules.http.timeout")
def test_what_goes_wrong_has_a_reason(
    peer: Any, reason: str, words: str, peers: Peers
) -> None:
    timeout = "300ms" if peer is silent else "3s"
    result = tried("http", f"127.0.0.1:{peers.serve(peer)}", timeout=timeout)
    assert result.reason == reason, result.message
    assert words in result.message


def test_time_that_runs_out_within_the_body_says_so(peers: Peers) -> None:
    async def slow(reader: Any, writer: Any) -> None:
        writer.write(page(body=b"x" * 10)[:-5])
        await silent(reader, writer)

    result = tried("http", f"127.0.0.1:{peers.serve(slow)}", timeout="300ms")
    assert result.reason == "timeout"
    assert result.message.endswith("phase transfer")
    assert (result.facts["status"], result.facts["body_bytes"]) == (200, 5)


def test_what_cannot_be_reached_has_a_reason() -> None:
    assert tried("http", f"127.0.0.1:{unused_port()}").reason == "refused"
    assert tried("http", "unknown.test", tools(Names())).reason == "not_resolved"
