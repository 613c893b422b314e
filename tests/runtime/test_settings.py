"""Rules that the schema itself lays down; how their breach is said is tested apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.config import load
from runtime.settings import (
    Bridge,
    Log,
    PrometheusSource,
    ScrapeSource,
    Section,
    Settings,
    Target,
)

NOTHING = Path(os.devnull)
"""A file of settings that sets none."""


def test_all_defaults_work_together() -> None:
    settings = Settings()
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings
    (local,) = settings.sources
    assert isinstance(local, ScrapeSource)
    assert [target.url for target in local.targets] == [
        f"{settings.exporter.listen.url}/metrics"
    ]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().log.level = "debug"  # type: ignore[misc]  # the point
    assert isinstance(hash(Log()), int)


def test_unknown_keys_are_refused_everywhere() -> None:
    assert Section.model_config.get("extra") == "forbid"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Settings.model_validate({"log": {"levle": "debug"}})


@pytest.mark.parametrize("listen", ["0.0.0.0:9106", "[::]:9106", "192.0.2.1:9106"])
def test_a_bridge_without_keys_listens_on_loopback_only(listen: str) -> None:
    with pytest.raises(ValidationError, match="can be reached from other hosts"):
        Settings.model_validate({"bridge": {"listen": listen}})
    open_to_all = {"listen": listen, "auth": "keys"}
    assert Settings.model_validate({"bridge": open_to_all}).bridge.auth == "keys"


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1"])
def test_a_bridge_on_loopback_needs_no_keys(listen: str) -> None:
    assert Bridge.model_validate({"listen": listen}).auth == "none"


def test_a_scrape_may_take_as_long_as_its_interval() -> None:
    targets = (Target(url="http://127.0.0.1:9105/metrics"),)
    source = {"name": "x", "kind": "scrape", "targets": targets, "interval": "5s"}
    assert ScrapeSource.model_validate(source | {"timeout": "5s"}).timeout == 5.0
    with pytest.raises(
        ValidationError, match="timeout: 6s is longer than the interval"
    ):
        ScrapeSource.model_validate(source | {"timeout": "6s"})


def test_the_environment_can_shorten_the_interval_alone() -> None:
    (local,) = load(NOTHING, {"EPIMETHEUS__SOURCES__0__INTERVAL": "5s"}).sources
    assert isinstance(local, ScrapeSource)
    assert (local.interval, local.timeout) == (5.0, 5.0)


@pytest.mark.setting("sources.scrape.timeout")
@pytest.mark.parametrize(("interval", "timeout"), [("5s", 5.0), ("30s", 10.0)])
def test_a_timeout_left_out_fits_the_interval(interval: str, timeout: float) -> None:
    targets = ({"url": "http://127.0.0.1:9105/metrics"},)
    source = {"name": "x", "kind": "scrape", "targets": targets, "interval": interval}
    assert ScrapeSource.model_validate(source).timeout == timeout


@pytest.mark.parametrize(
    ("other", "instance"),
    [
        ({"url": "http://127.0.0.1:9106/metrics"}, "127.0.0.1:9106"),
        ({"url": "http://127.0.0.1:9105/x", "instance": "x"}, "x"),
        ({"url": "http://127.0.0.1:9105/x", "job": "x"}, "127.0.0.1:9105"),
        ({"url": "https://127.0.0.1/metrics"}, "127.0.0.1:443"),
    ],
)
def test_targets_differ_in_job_or_instance(
    other: dict[str, str], instance: str
) -> None:
    first = {"url": "http://127.0.0.1:9105/metrics"}
    source = {"name": "x", "kind": "scrape", "targets": [first, other]}
    targets = ScrapeSource.model_validate(source).targets
    assert targets[1].instance_label == instance


@pytest.mark.setting("database.migrate_at_start")
@pytest.mark.parametrize("text", ["true", "false"])
def test_switches_are_true_or_false_in_the_environment(text: str) -> None:
    settings = load(NOTHING, {"EPIMETHEUS__DATABASE__MIGRATE_AT_START": text})
    assert settings.database.migrate_at_start is (text == "true")


def test_no_source_is_called_as_events_of_probes_are() -> None:
    with pytest.raises(ValidationError, match="'probes' is what events of probes have"):
        PrometheusSource(name="probes", kind="prometheus", url="http://127.0.0.1:9090")


def test_names_of_sources_are_unique() -> None:
    source = PrometheusSource(name="a", kind="prometheus", url="http://127.0.0.1:9090")
    with pytest.raises(ValidationError, match="the name 'a' is used twice"):
        Settings(sources=(source, source))
