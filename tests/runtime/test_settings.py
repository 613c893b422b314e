"""Rules that the schema itself lays down; how their breach is said is tested apart."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runtime.settings import (
    Bridge,
    Log,
    PrometheusSource,
    ScrapeSource,
    Section,
    Settings,
    Target,
)


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


def test_names_of_sources_are_unique() -> None:
    source = PrometheusSource(name="a", kind="prometheus", url="http://127.0.0.1:9090")
    with pytest.raises(ValidationError, match="the name 'a' is used twice"):
        Settings(sources=(source, source))
