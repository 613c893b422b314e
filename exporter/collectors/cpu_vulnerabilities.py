"""Which flaws of processors concern this machine, and what is done about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import (
    Family,
    Host,
    Metric,
    NothingHere,
    names_in,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import OptionalCollector as Options

INFO = Metric(
    "node_cpu_vulnerabilities_info",
    "gauge",
    "Details of each CPU vulnerability reported by sysfs. "
    "The value of the series is an int encoded state of the vulnerability. "
    "The same state is stored as a string in the label",
    ("codename", "state", "mitigation"),
)


class CpuVulnerabilities:
    """Reads /sys/devices/system/cpu/vulnerabilities."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/devices/system/cpu/vulnerabilities"

    def collect(self) -> list[Family]:
        """Return one family, a sample for each flaw that the kernel knows."""
        try:
            told = read_attributes(self._folder, names_in(self._folder))
        except FileNotFoundError as error:
            raise NothingHere("a kernel that does not tell flaws") from error
        samples = [((name, *_state(text)), 1) for name, text in told.items()]
        return [Family(INFO, samples)]


def _state(text: str) -> tuple[str, str]:
    """Return state and mitigation."""
    if text.startswith("Mitigation: "):
        return "mitigation", text.removeprefix("Mitigation: ")
    for state in ("Not affected", "Vulnerable"):
        if text.startswith(state):
            return state.lower(), ""
    return "unknown", ""
