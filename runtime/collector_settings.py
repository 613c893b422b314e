"""The schema of config.yaml: the keys of collectors that need more than a switch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.quantities import Written
from runtime.section import Positive, Section, Switch, Whole
from runtime.texts import Regex


class Collector(Section):
    """A collector that can be switched off."""

    enabled: Switch = Field(default=True, description="Whether the collector runs.")


class SampledCollector(Collector):
    """A collector that measures in the background, whoever asks and how often."""

    interval: Positive = Field(
        15.0, description="Time between two samples; scrapes are given the last one."
    )


class OptionalCollector(Collector):
    """A collector that can be switched on."""

    enabled: Switch = Field(default=False, description="Whether the collector runs.")


class ArpCollector(Collector):
    """Neighbours by interface."""

    exclude_devices: Regex = Field(
        r"^$", description="Interfaces left out, by regular expression on the name."
    )


class HwmonCollector(Collector):
    """Sensors of the hardware."""

    exclude_chips: Regex = Field(
        r"^$",
        description="Chips left out, by regular expression on the label `chip`.",
    )
    exclude_sensors: Regex = Field(
        r"^$",
        description="Sensors left out, by regular expression on `chip;sensor`, as in "
        "`platform_coretemp_0;temp3`.",
    )


class InterruptsCollector(Collector):
    """Interrupts by CPU."""

    exclude_names: Regex = Field(
        r"^$",
        description="Interrupts left out, by regular expression on "
        "`type;info;devices`.",
    )
    include_zeros: Switch = Field(
        default=False,
        description="Whether an interrupt that a CPU never served is exposed for it.",
    )
    max_cpus: Annotated[Whole, Field(ge=0)] = Field(
        16,
        description="Machines with more CPUs are left out, as each CPU costs about as "
        "many series as there are kinds of interrupts.",
    )


class PowerSupplyCollector(Collector):
    """Mains and batteries."""

    exclude_supplies: Regex = Field(
        r"^$", description="Supplies left out, by regular expression on the name."
    )


class TextfileCollector(Collector):
    """Metrics of scripts and jobs, from files `*.prom` in the text format."""

    directories: tuple[Annotated[str, Written("path or glob", "/var/lib/*.d")], ...] = (
        Field(
            (), description="Directories that are read, as paths or globs; none: off."
        )
    )


class CpuInfoCollector(OptionalCollector):
    """Kinds of processors."""

    flags: Regex = Field(
        r"^$", description="Flags of the first processor told, by regular expression."
    )
    bugs: Regex = Field(
        r"^$", description="Bugs of the first processor told, by regular expression."
    )


class SlabinfoCollector(OptionalCollector):
    """Slabs of the kernel."""

    exclude_slabs: Regex = Field(
        r"^$", description="Slabs left out, by regular expression on the name."
    )


class StatCollector(Collector):
    """Counters of the kernel since boot."""

    softirqs: Switch = Field(
        default=False, description="Whether softirqs are told, kind by kind."
    )
