from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import ALIASES, COLLECTORS, build
from exporter.collectors.base import NothingHere
from runtime.settings import Collectors

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def usual() -> set[str]:
    """Return the names of the collectors that are enabled by default."""
    return {name for name, section in Collectors() if section.enabled}


def test_the_table_has_a_section_in_the_settings_for_each_and_no_more() -> None:
    assert set(COLLECTORS) == set(Collectors.model_fields)


def test_aliases_lead_to_collectors_and_hide_none() -> None:
    assert set(ALIASES.values()) <= set(COLLECTORS)
    assert not set(ALIASES) & set(COLLECTORS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.setting(f"exporter.collectors.{name}.enabled")
        )
        for name in Collectors.model_fields
    ],
)
def test_a_collector_that_is_switched_off_is_not_built(name: str, host: Host) -> None:
    settings = Collectors.model_validate({name: {"enabled": False}})
    assert set(build(host, settings)) == usual() - {name}
    settings = Collectors.model_validate({name: {"enabled": True}})
    assert set(build(host, settings)) == usual() | {name}


def test_systems_without_procfs_say_what_they_lack(host: Host) -> None:
    elsewhere = dataclasses.replace(host, linux=False)
    collectors = build(elsewhere, Collectors())
    assert set(collectors) == usual()
    for name in ("filefd", "pressure", "vmstat"):
        with pytest.raises(NothingHere, match="not on this system"):
            collectors[name].collect()
    assert list(collectors["load"].collect())
