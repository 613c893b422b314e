from __future__ import annotations

from exporter.agent.names import agent_name


def test_the_name_is_the_host_s_unless_it_is_set() -> None:
    assert agent_name("tower", "host") == "tower"
    assert agent_name("", "host.example.org") == "host.example.org"
    assert agent_name("", "a host/ü" + "x" * 99) == "a-host--" + "x" * 56
    assert agent_name("", "") == "exporter"
    assert agent_name("")
