from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.exporter.probes.trying import Names, Noting, said, tools, tried
from tests.exporter.probes.web import Asked, Site, handler, page, redirect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Peers


@pytest.mark.setting("probes.modules.http.follow_redirects")
def test_redirects_are_followed_and_told(peers: Peers) -> None:
    site = Site(
        {
            "/": redirect("next?a=b", 301),
            "/next?a=b": redirect("//good.test:{port}/last#part", 308),
            "/last": page(),
        }
    )
    port = peers.serve(site.http1)
    site.answers["/next?a=b"] = redirect(f"//good.test:{port}/last#part", 308)
    at = f"http://127.0.0.1:{port}"
    result = tried("http", f"127.0.0.1:{port}")
    assert result.reason == "", result.message
    assert result.facts["redirects"] == 2
    assert result.facts["trail"] == [
        f"{at}/",
        f"{at}/next?a=b",
        f"http://good.test:{port}/last",
    ]
    assert result.facts["final_url"] == f"http://good.test:{port}/last"
    assert [one.headers["host"] for one in site.asked] == [
        f"127.0.0.1:{port}",
        f"127.0.0.1:{port}",
        f"good.test:{port}",
    ]
    stays = tried("http", f"127.0.0.1:{port}", follow_redirects=False)
    assert (stays.reason, stays.facts["status"]) == ("wrong_status", 301)


@pytest.mark.setting("probes.modules.http.max_redirects")
@pytest.mark.parametrize(("most", "reason"), [(3, ""), (2, "too_many_redirects")])
def test_redirects_that_lead_on_and_on_are_given_up(
    most: int, reason: str, peers: Peers
) -> None:
    hops = {f"/{n}": redirect(f"/{n + 1}") for n in range(3)}
    port = peers.serve(Site({**hops, "/3": page()}).http1)
    result = tried("http", f"http://127.0.0.1:{port}/0", max_redirects=most)
    assert result.reason == reason
    assert result.facts["redirects"] == most


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://h/", "ftp is not http"),
        ("http://:80/", "names no host"),
        ("http://h:0/", "port 0"),
        ("javascript:alert(1)", "is not http"),
        ("http://me:secret@[/", "user information"),
    ],
)
def test_redirects_to_nowhere_are_protocol_errors(
    location: str, words: str, peers: Peers
) -> None:
    port = peers.serve(handler(redirect(location)))
    result = tried("http", f"127.0.0.1:{port}")
    assert result.reason == "protocol_error"
    assert words in result.message
    assert "secret" not in result.message + said(result)


def test_the_guard_sees_the_address_of_every_redirect(peers: Peers) -> None:
    inner = Site({"/": page()})
    hidden = peers.serve(inner.http1)
    port = peers.serve(handler(redirect(f"http://inner.test:{hidden}/")))
    names = Names(good_test=("127.0.0.1",), inner_test=("127.0.0.1",))
    guard = Noting("inner.test")
    result = tried("http", f"good.test:{port}", tools(names, guard))
    assert result.reason == "not_allowed"
    assert guard.asked == [
        ("good.test", "127.0.0.1", port),
        ("inner.test", "127.0.0.1", hidden),
    ]
    assert inner.asked == []


def test_a_name_that_changes_between_the_look_and_the_connection_gains_nothing(
    peers: Peers,
) -> None:
    port = peers.serve(handler(page()))
    names = Names(good_test=("127.0.0.1",))
    assert tried("http", f"good.test:{port}", tools(names)).reason == ""
    assert names.asked == [("good.test", "auto")]


@pytest.mark.parametrize(
    ("status", "method", "body"), [(303, "GET", b""), (307, "POST", b"form")]
)
def test_a_redirect_keeps_the_method_or_does_not(
    status: int, method: str, body: bytes, peers: Peers
) -> None:
    site = Site({"/": redirect("/next", status), "/next": page()})
    port = peers.serve(site.http1)
    tried("http", f"127.0.0.1:{port}", method="POST", body="form")
    assert (site.asked[1].method, site.asked[1].body) == (method, body)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, text in {"door": "swordfish\n", "token": "t0ken"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return folder


BASIC = {"user": "me", "password_secret": "door"}


@pytest.mark.setting("exporter.prober.secrets")
@pytest.mark.setting("probes.modules.http.user")
@pytest.mark.setting("probes.modules.http.password_secret")
@pytest.mark.setting("probes.modules.http.bearer_secret")
@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        (BASIC, f"Basic {base64.b64encode(b'me:swordfish').decode()}"),
        ({"user": "me"}, f"Basic {base64.b64encode(b'me:').decode()}"),
        ({"bearer_secret": "token"}, "Bearer t0ken"),
    ],
)
def test_credentials_are_sent_to_their_host_alone_and_told_nowhere(
    settings: dict[str, Any], sent: str, peers: Peers, secrets: Path
) -> None:
    other = Site({"/": page()})
    elsewhere = f"http://good.test:{peers.serve(other.http1)}/"
    site = Site({"/": redirect("/same"), "/same": redirect(elsewhere)})
    port = peers.serve(site.http1)
    result = tried("http", f"127.0.0.1:{port}", tools(secrets=secrets), **settings)
    assert result.reason == "", result.message
    assert [one.headers["authorization"] for one in site.asked] == [sent, sent]
    assert "authorization" not in other.asked[0].headers
    told = f"{result} {said(result)}"
    assert "swordfish" not in told
    assert "t0ken" not in told
    assert sent.split()[1] not in told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "no such file"),
        ("../secrets/door", "letters, digits"),
        ("..", "letters, digits"),
        (".hidden", "letters, digits"),
        ("a/b", "letters, digits"),
    ],
)
def test_secrets_that_cannot_be_used_are_named(
    name: str, words: str, secrets: Path
) -> None:
    using = tools(secrets=secrets)
    result = tried("http", "127.0.0.1:1", using, bearer_secret=name)
    assert result.reason == "wrong_settings"
    assert words in result.message
    without = tried("http", "127.0.0.1:1", bearer_secret=name)
    assert "exporter.prober.secrets names no directory" in without.message


def _echo(asked: Asked) -> bytes:
    return page(body=f"{asked.target} for {asked.headers['host']}".encode())


@pytest.mark.setting("probes.modules.http.tls_settings.server_name")
def test_another_name_can_be_verified(peers: Peers, pki: Pki) -> None:
    port = peers.serve(handler(page()), pki.context(names=("other.test",)))
    trust = pki.trust | {"server_name": "other.test"}
    url = f"https://good.test:{port}/"
    assert tried("http", url, tls_settings=trust).reason == ""


def test_targets_are_sent_as_they_must_be(peers: Peers) -> None:
    site = Site({"/x": _echo})
    port = peers.serve(site.http1)
    wanted = [f"^/x for 127.0.0.1:{port}$"]
    assert tried("http", f"http://127.0.0.1:{port}/x", body_matches=wanted).reason == ""


def test_a_key_in_a_header_goes_to_no_other_host(peers: Peers) -> None:
    site = Site({"/": redirect("/same"), "/other": page()})
    port = peers.serve(site.http1)
    site.answers["/same"] = redirect(f"http://good.test:{port}/other")
    headers = ("X-Api-Key: key", "X-Plain: text")
    result = tried("http", f"127.0.0.1:{port}", headers=headers)
    assert result.reason == "", result.message
    told = [
        (one.headers.get("x-api-key"), one.headers["x-plain"]) for one in site.asked
    ]
    assert told == [("key", "text"), ("key", "text"), (None, "text")]
