"""The schema of config.yaml: the keys of collectors that look into what runs."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from runtime.collector_settings import Collector, OptionalCollector
from runtime.quantities import Written
from runtime.section import Positive, Section, Whole
from runtime.texts import Regex


def _cpus(text: str) -> str:
    part = r"\d+(-\d+(:[1-9]\d*)?)?"
    if not re.fullmatch(rf"({part}(,{part})*)?", text):
        raise ValueError(f"{text!r} is no list of CPUs; write for example 0-7,16-23:2")
    return text


CpuList = Annotated[str, AfterValidator(_cpus), Written("list of CPUs", "0-7,16")]


class Sampling(Section):
    """What measures in the background, whoever asks and how often."""

    interval: Positive = Field(
        15.0, description="Time between two samples; scrapes are given the last one."
    )


class PerfCollector(OptionalCollector):
    """Counters of CPUs and of the kernel, by perf_event_open(2)."""

    cpus: CpuList = Field(
        "", description="CPUs that are counted on, such as 0-7,16-23:2; empty: all."
    )
    events: tuple[Literal["hardware", "software", "cache"], ...] = Field(
        ("hardware", "software", "cache"),
        description="What is counted: cycles, instructions and the like, events of the "
        "kernel, hits and misses of single caches.",
    )


class CgroupsCollector(Sampling, OptionalCollector):
    """Services, slices and containers, by control groups of version 2."""

    depth: Annotated[Whole, Field(ge=1, le=16)] = Field(
        4, description="Levels of the tree that are looked at."
    )
    limit: Annotated[Whole, Field(ge=1)] = Field(
        200, description="Groups that are measured; how many more there are is told."
    )
    include: Regex = Field(
        r"",
        description="Groups that are measured, by regular expression on the path, such "
        "as `/system.slice/ssh.service`.",
    )
    exclude: Regex = Field(
        r"\.(mount|swap|socket)$|^/(dev-|init\.scope|sys-)",
        description="Groups left out of these, by regular expression on the path.",
    )


class TopProcessesCollector(Sampling, OptionalCollector):
    """The programs that use most, by name; without their command lines."""

    limit: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        10,
        description="Names by CPU time, and as many by memory and by bytes of disks.",
    )


class SystemdCollector(Sampling, Collector):
    """Units of systemd, asked by the system bus."""

    include: Regex = Field(
        r".+",
        description="Units with a state, by regular expression on the whole name.",
    )
    exclude: Regex = Field(
        r".+\.(automount|device|mount|scope|slice)",
        description="Units left out of these; the summary of states has all.",
    )
