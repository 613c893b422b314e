"""How fast CPUs run, how fast they may, and who decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Metric,
    NothingHere,
    numbered,
    read_attributes,
)

if TYPE_CHECKING:
    from runtime.settings import Collector as Options


def _hertz(name: str, text: str) -> Metric:
    return Metric(f"node_cpu_{name}_hertz", "gauge", text, ("cpu",))


FREQUENCIES: Final = {
    "cpuinfo_cur_freq": _hertz("frequency", "Current CPU thread frequency in hertz."),
    "cpuinfo_avg_freq": _hertz(
        "frequency_avg", "Average CPU thread frequency in hertz."
    ),
    "cpuinfo_min_freq": _hertz(
        "frequency_min", "Minimum CPU thread frequency in hertz."
    ),
    "cpuinfo_max_freq": _hertz(
        "frequency_max", "Maximum CPU thread frequency in hertz."
    ),
    "scaling_cur_freq": _hertz(
        "scaling_frequency", "Current scaled CPU thread frequency in hertz."
    ),
    "scaling_min_freq": _hertz(
        "scaling_frequency_min", "Minimum scaled CPU thread frequency in hertz."
    ),
    "scaling_max_freq": _hertz(
        "scaling_frequency_max", "Maximum scaled CPU thread frequency in hertz."
    ),
}
"""Metrics by the attribute that holds them, in kHz."""

GOVERNOR = Metric(
    "node_cpu_scaling_governor",
    "gauge",
    "Current enabled CPU frequency governor.",
    ("cpu", "governor"),
)
_KILO: Final = 1000
_ATTRIBUTES: Final = (*FREQUENCIES, "scaling_governor", "scaling_available_governors")


class Cpufreq:
    """Reads /sys/devices/system/cpu/cpu*/cpufreq."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/devices/system/cpu"

    def collect(self) -> list[Family]:
        """Return the frequencies of each CPU whose driver tells them."""
        found = Gathered()
        for name, number in numbered(self._folder, "cpu"):
            try:
                state = read_attributes(f"{self._folder}/{name}/cpufreq", _ATTRIBUTES)
            except OSError:
                continue  # it has no such driver, or is offline
            for attribute, metric in FREQUENCIES.items():
                # A driver that cannot tell says `<unknown>`.
                if (text := state.get(attribute, "")).isdigit():
                    found.add(metric, (number,), int(text) * _KILO)
            if chosen := state.get("scaling_governor"):
                for governor in state.get("scaling_available_governors", "").split():
                    labels = (number, governor)
                    found.add(GOVERNOR, labels, int(governor == chosen))
        families = found.families()
        if not families:
            raise NothingHere("no driver that changes the frequency of CPUs")
        return families
