"""The schema of config.yaml: the keys of collectors that look into what runs."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from runtime.collector_settings import OptionalCollector
from runtime.quantities import Written


def _cpus(text: str) -> str:
    part = r"\d+(-\d+(:[1-9]\d*)?)?"
    if not re.fullmatch(rf"({part}(,{part})*)?", text):
        raise ValueError(f"{text!r} is no list of CPUs; write for example 0-7,16-23:2")
    return text


CpuList = Annotated[str, AfterValidator(_cpus), Written("list of CPUs", "0-7,16")]


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
