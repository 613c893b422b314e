"""What all kinds of probes share."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.probes.base import Target
from exporter.probes.kinds import PROBES
from tests.exporter.probes.peers import silent
from tests.exporter.probes.test_dns import Server
from tests.exporter.probes.trying import Names, module, tools, tried
from tests.exporter.probes.web import handler, page

if TYPE_CHECKING:
    from tests.exporter.probes.authority import Pki
    from tests.exporter.probes.peers import Handler, Peers

KINDS = ("tcp", "tls", "http", "dns", "throughput")


def settings_of(kind: str, port: int) -> dict[str, Any]:
    """Return what makes a probe of a kind speak TLS to a port of good.test."""
    settings: dict[str, dict[str, Any]] = {
        "tcp": {"tls": True, "port": port},
        "tls": {"port": port},
        "http": {"url": f"https://{{host}}:{port}/"},
        "dns": {"transport": "tls", "port": port, "query": "one.test"},
        "throughput": {"url": f"https://{{host}}:{port}/"},
    }
    return settings[kind]


def serving(kind: str) -> Handler:
    """Return what answers a probe of a kind."""
    if kind == "dns":
        return Server().tcp
    return handler(page()) if kind in {"http", "throughput"} else silent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.setting("probes.modules.tls.kind")
@pytest.mark.setting("probes.modules.tls.name")
def test_results_name_the_kind_and_the_module(
    kind: str, peers: Peers, pki: Pki
) -> None:
    port = peers.serve(serving(kind), pki.context())
    settings = settings_of(kind, port) | {"name": "mine", "tls_settings": pki.trust}
    result = tried(kind, "good.test", **settings)
    assert (result.reason, result.kind, result.probe) == ("", kind, "mine")
    assert result.facts["tls"]["verified"] is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.setting("probes.modules.tcp.tls_settings.verify")
@pytest.mark.setting("probes.modules.dns.tls_settings.verify")
@pytest.mark.setting("probes.modules.throughput.tls_settings.verify")
@pytest.mark.setting("probes.modules.tcp.tls_settings.server_name")
@pytest.mark.setting("probes.modules.dns.tls_settings.server_name")
@pytest.mark.setting("probes.modules.throughput.tls_settings.server_name")
def test_certificates_of_other_names_fail_unless_wanted(
    kind: str, peers: Peers, pki: Pki
) -> None:
    port = peers.serve(serving(kind), pki.context(names=("other.test",)))
    for further, reason in (
        ({}, "certificate_wrong_name"),
        ({"verify": False}, ""),
        ({"server_name": "other.test"}, ""),
    ):
        trust = {**pki.trust, **further}
        settings = settings_of(kind, port) | {"tls_settings": trust}
        assert tried(kind, "good.test", **settings).reason == reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.setting("probes.modules.tcp.tls_settings.cert_file")
@pytest.mark.setting("probes.modules.tcp.tls_settings.key_file")
@pytest.mark.setting("probes.modules.http.tls_settings.cert_file")
@pytest.mark.setting("probes.modules.http.tls_settings.key_file")
@pytest.mark.setting("probes.modules.dns.tls_settings.cert_file")
@pytest.mark.setting("probes.modules.dns.tls_settings.key_file")
@pytest.mark.setting("probes.modules.throughput.tls_settings.cert_file")
@pytest.mark.setting("probes.modules.throughput.tls_settings.key_file")
def test_our_own_certificate_is_shown(kind: str, peers: Peers, pki: Pki) -> None:
    context = pki.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refused within the handshake
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki.file)
    port = peers.serve(serving(kind), context)
    settings = settings_of(kind, port)
    without = tried(kind, "good.test", **settings, tls_settings=pki.trust)
    assert without.reason == "tls_failed"
    chain, key = pki.own_files()
    own = {**pki.trust, "cert_file": str(chain), "key_file": str(key)}
    assert tried(kind, "good.test", **settings, tls_settings=own).reason == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.setting("probes.modules.tcp.tls_settings.min_version")
@pytest.mark.setting("probes.modules.http.tls_settings.min_version")
@pytest.mark.setting("probes.modules.dns.tls_settings.min_version")
@pytest.mark.setting("probes.modules.throughput.tls_settings.min_version")
def test_versions_older_than_wanted_are_not_agreed_to(
    kind: str, peers: Peers, pki: Pki
) -> None:
    context = pki.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = peers.serve(serving(kind), context)
    for oldest, reason in (("1.2", ""), ("1.3", "tls_failed")):
        trust = {**pki.trust, "min_version": oldest}
        settings = settings_of(kind, port) | {"tls_settings": trust}
        result = tried(kind, "good.test", **settings)
        assert result.reason == reason, result.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_defect_is_an_internal_error_and_is_logged(kind: str) -> None:
    class Broken:
        async def resolve(self, host: str, family: str) -> Any:
            raise KeyError(host)

    using = replace(tools(), resolver=Broken())
    result = tried(kind, "good.test", using, **settings_of(kind, 1))
    assert result.reason == "internal_error"
    assert result.message == "the prober failed: KeyError; its log says where"


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_cancels_a_probe_sees_it_end(kind: str, peers: Peers) -> None:
    port = peers.serve(silent)
    settings = module(kind, **settings_of(kind, port))

    async def scenario() -> None:
        target = Target("somewhere", "good.test")
        task = asyncio.ensure_future(PROBES[kind](target, settings, tools()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_is_none_is_wrong_settings(kind: str) -> None:
    result = tried(kind, "a]b", **settings_of(kind, 1))
    assert result.reason == "wrong_settings", result.message


def test_a_last_known_address_is_told_in_the_log(peers: Peers) -> None:
    class Stale(Names):
        async def resolve(self, host: str, family: str) -> Any:
            return [
                replace(one, stale=True) for one in await super().resolve(host, family)
            ]

    result = tried(
        "tcp",
        f"good.test:{peers.serve(silent)}",
        tools(Stale(good_test=("127.0.0.1",))),
    )
    assert result.reason == ""
    assert any("does not resolve now" in text for _, text in result.log)
