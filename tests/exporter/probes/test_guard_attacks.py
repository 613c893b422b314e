"""Tries to have the exporter talk to what it must not, through its real pages.

The rules allow the whole Internet and one server of this host. Another server beside
it is the secret that all attacks are after.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.exporter.exposition import parse
from tests.exporter.probing import running_prober
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

REDIRECTS = (
    "http://127.0.0.1:{secret}/",
    "http://[::ffff:127.0.0.1]:{secret}/",
    "http://localhost:{secret}/",
    "http://LOCALHOST.:{secret}/",
    "http://x.localhost:{secret}/",
    "//127.0.0.1:{secret}/",
    "http://127.0.0.1:{open}@127.0.0.1:{secret}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::]:{secret}/",
    "http://0.0.0.0:{secret}/",
    "http://10.0.0.1/",
    "/again",
    "http://127.1:{secret}/",
    "http://2130706433:{secret}/",
    "http://0x7f.1:{secret}/",
    "http://0177.0.0.1:{secret}/",
)
"""Where the server that is allowed sends its visitors; `/again` is itself."""

NOT_EVEN_WRONG = {"not_resolved", "wrong_settings"}
"""What comes of places that mean nothing to the probes, whatever they do to others."""

METADATA = "http://169.254.169.254/latest/meta-data/"

TARGETS = (
    # this host, written in every way that somebody understands
    "127.0.0.1:{secret}",
    "http://127.0.0.1:{secret}/",
    "HTTP://127.0.0.1:{secret}/",
    "127.1:{secret}",
    "127.0.1:{secret}",
    "127.000.000.001:{secret}",
    "0177.0.0.1:{secret}",
    "0x7f.0.0.1:{secret}",
    "0x7f000001:{secret}",
    "0X7F000001:{secret}",
    "2130706433:{secret}",
    "017700000001:{secret}",
    "127.0.0.1.:{secret}",
    "127.0.0.2:{secret}",
    "127.255.255.254:{secret}",
    "0.0.0.0:{secret}",
    "0:{secret}",
    "localhost:{secret}",
    "LocalHost:{secret}",
    "localhost.:{secret}",
    "x.localhost:{secret}",
    "\uff11\uff12\uff17.0.0.1:{secret}",
    "127\u30020\u30020\u30021:{secret}",
    "\u2460\u2461\u2466.0.0.1:{secret}",
    "loc\u0430lhost:{secret}",
    "%31%32%37.0.0.1:{secret}",
    "127.0.0.1%00.example.org:{secret}",
    # the same in version 6
    "[::1]:{secret}",
    "[::]:{secret}",
    "[0:0:0:0:0:0:0:1]:{secret}",
    "[::ffff:127.0.0.1]:{secret}",
    "[::ffff:7f00:1]:{secret}",
    "[::127.0.0.1]:{secret}",
    "[64:ff9b::7f00:1]:{secret}",
    "[64:ff9b:1::7f00:1]:{secret}",
    "[2002:7f00:1::1]:{secret}",
    "[2001:0:0:0:0:0:80ff:fffe]:{secret}",
    "[2a00::5efe:127.0.0.1]:{secret}",
    "[::1%lo]:{secret}",
    "[::1%25lo]:{secret}",
    "[fe80::1%lo]:{secret}",
    # what parsers disagree about
    "http://open@127.0.0.1:{secret}/",
    "http://127.0.0.1:{open}@127.0.0.1:{secret}/",
    "http://127.0.0.1:{open}\\@127.0.0.1:{secret}/",
    "http://127.0.0.1:{secret}#@127.0.0.1:{open}/",
    "http://127.0.0.1:{secret}?@127.0.0.1:{open}/",
    "http://127.0.0.1:{secret}/\r\nHost: open",
    "127.0.0.1:{open}\n127.0.0.1:{secret}",
    "http:///127.0.0.1:{secret}/",
    "http:127.0.0.1:{secret}",
    "//127.0.0.1:{secret}/",
    "http://[::ffff:127.0.0.1]:{secret}/",
    "http://127.0.0.1:{open}:{secret}/",
    # other protocols
    "file:///etc/passwd",
    "gopher://127.0.0.1:{secret}/_GET",
    "ftp://127.0.0.1:{secret}/",
    "dict://127.0.0.1:{secret}/stat",
    "unix:///run/docker.sock",
    # metadata of clouds, and what else is nobody's business
    METADATA,
    "169.254.169.254:80",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.170.2/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://[fd00::1]/",
    "http://[fec0::1]/",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
)

MODULES = [
    {"name": "web", "kind": "http", "timeout": "2s"},
    {"name": "connection", "kind": "tcp", "timeout": "2s"},
    {"name": "handshake", "kind": "tls", "timeout": "2s"},
    {"name": "name", "kind": "dns", "query": "example.org", "transport": "tcp"},
    {"name": "download", "kind": "throughput", "timeout": "2s"},
    {"name": "ping", "kind": "icmp", "timeout": "500ms"},
    {"name": "trace", "kind": "traceroute", "timeout": "500ms"},
]


class Got(NamedTuple):
    status: int
    success: float | None
    reason: str


@dataclass(frozen=True)
class Place:
    """The exporter, and the two servers beside it."""

    url: str
    open: FakeWeb
    secret: FakeWeb

    def ask(self, module: str, target: str, **more: str) -> Got:
        ports = {"open": self.open.port, "secret": self.secret.port}
        for name, port in ports.items():
            target = target.replace(f"{{{name}}}", str(port))
        query = urllib.parse.urlencode({"module": module, "target": target, **more})
        try:
            with urllib.request.urlopen(f"{self.url}/probe?{query}", timeout=30) as got:
                told = parse(got.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Got(error.code, None, error.read().decode())
        ((labels, _),) = (
            told["probe_failure_info"].samples.items()
            if "probe_failure_info" in told
            else [((("reason", ""),), 1)]
        )
        return Got(200, told["probe_success"].samples[()], labels[0][1])

    def refuses(self, module: str, target: str, **more: str) -> bool:
        got = self.ask(module, target, **more)
        assert self.secret.connections == 0
        refused = got.success == 0 and got.reason in {"not_allowed", *NOT_EVEN_WRONG}
        return refused or 400 <= got.status < 500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    def site(asked: Asked) -> Told:
        where = asked.path.removeprefix("/")
        if where.isdigit():
            target = REDIRECTS[int(where)]
            target = target.replace("{secret}", str(secret.port))
            target = target.replace("{open}", str(served.port))
            return Told(b"", status=302, headers={"Location": target})
        if where == "again":
            return Told(b"", status=307, headers={"Location": "/0"})
        return Told(b"welcome")

    with FakeWeb(site) as served, FakeWeb(lambda _: Told(b"secret")) as secret:
        proxied = {
            "name": "proxied",
            "kind": "http",
            "proxy": f"http://127.0.0.1:{served.port}",
        }
        allow = [
            "0.0.0.0/0",
            "::/0",
            "*.localhost",
            "*.example.org",
            f"127.0.0.1:{served.port}",
        ]
        destinations = [{"name": "shop", "host": f"http://127.0.0.1:{served.port}/7"}]
        directory = tmp_path_factory.mktemp("attacked")
        modules = [*MODULES, proxied]
        with running_prober(directory, modules, allow, destinations) as url:
            yield Place(url, served, secret)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_but_what_is_allowed_is_talked_to(place: Place, target: str) -> None:
    assert place.refuses("web", target)


@pytest.mark.parametrize("number", range(len(REDIRECTS)))
def test_redirects_lead_nowhere_else(place: Place, number: int) -> None:
    for module in ("web", "download"):
        before = len(place.open.asked)
        assert place.refuses(module, f"http://127.0.0.1:{{open}}/{number}")
        assert len(place.open.asked) > before


@pytest.mark.parametrize("number", range(REDIRECTS.index("/again") + 1))
def test_the_reason_of_a_redirect_is_that_it_is_not_allowed(
    place: Place, number: int
) -> None:
    got = place.ask("web", f"http://127.0.0.1:{{open}}/{number}")
    assert got == Got(200, 0, "not_allowed")


@pytest.mark.parametrize("target", TARGETS[TARGETS.index(METADATA) :])
def test_the_reason_of_an_address_is_that_it_is_not_allowed(
    place: Place, target: str
) -> None:
    got = place.ask("web", target)
    assert got.status in {400, 403}


@pytest.mark.parametrize("module", [one["name"] for one in MODULES])
def test_no_kind_of_probe_gets_around_the_guard(place: Place, module: str) -> None:
    for host in ("127.0.0.1:{secret}", "x.localhost:{secret}", "[::1]:{secret}"):
        assert place.refuses(module, host)
        got = place.ask(module, host)
        assert got.status == 403 or got.reason == "not_allowed"


@pytest.mark.parametrize("target", [TARGETS[1], METADATA, "http://x.localhost/"])
def test_a_proxy_is_not_asked_for_what_is_not_allowed(
    place: Place, target: str
) -> None:
    before = len(place.open.asked)
    assert place.refuses("proxied", target)
    assert len(place.open.asked) == before


def test_a_configured_destination_leads_nowhere_else_either(place: Place) -> None:
    assert place.refuses("web", "shop")
    assert place.ask("web", "shop").reason == "not_allowed"


@pytest.mark.parametrize(
    "hostname", ["a\r\nX-Evil: 1", "a b", "a/b", "\u0430.example.org", "a@b", "a:b"]
)
def test_host_names_carry_nothing_else(place: Place, hostname: str) -> None:
    assert place.ask("web", "127.0.0.1:{open}", hostname=hostname).status == 400


def test_what_is_allowed_is_probed(place: Place) -> None:
    for module, target in (
        ("web", "127.0.0.1:{open}"),
        ("web", "http://127.0.0.1:{open}/anything?a=@b#c"),
        ("connection", "127.0.0.1:{open}"),
        ("download", "127.0.0.1:{open}"),
        ("proxied", "http://127.0.0.1:{open}/"),
    ):
        assert place.ask(module, target) == Got(200, 1, "")
