"""Software RAID: which arrays there are, their state, disks and progress."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Metric,
    NothingHere,
    names_in,
    read_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.settings import Collector as Options


def _metric(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"node_md_{name}", "gauge", text, ("device", *labels))


STATE = _metric("state", "Indicates the state of md-device.", "state")
DISKS = _metric("disks", "Number of active/failed/spare disks of device.", "state")
REQUIRED = _metric("disks_required", "Total number of disks of device.")
BLOCKS = _metric("blocks", "Total number of blocks on device.")
SYNCED = _metric("blocks_synced", "Number of blocks synced on device.")
RAID_DISKS = _metric("raid_disks", "Number of raid disks on device.")
DEGRADED = _metric("degraded", "Number of degraded disks on device.")

_STATES: Final = ("active", "inactive", "recovering", "resync", "check")
_ACTIVITIES: Final = {
    "recovery": "recovering",
    "resync": "resync",
    "reshape": "reshape",
    "check": "check",
}
_NOT_REDUNDANT: Final = ("raid0", "linear")
_DISKS: Final = re.compile(r"\[(\d+)/(\d+)\]")
_PROGRESS: Final = re.compile(r"\((\d+)/\d+\)")


@dataclass(frozen=True, slots=True)
class Array:
    """An array as /proc/mdstat shows it; sizes in blocks of 1024 bytes."""

    name: str
    state: str
    required: int
    active: int
    failed: int
    spare: int
    blocks: int
    synced: int


class Mdadm:
    """Reads /proc/mdstat and /sys/block/md*/md."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the state of each array; without arrays, no family."""
        try:
            text = self._host.proc("mdstat")
        except FileNotFoundError as error:
            raise NothingHere("a kernel without software RAID") from error
        found = Gathered()
        for array in parse_mdstat(text):
            name = array.name
            for state in _STATES:
                found.add(STATE, (name, state), int(array.state == state))
            found.add(DISKS, (name, "active"), array.active)
            found.add(DISKS, (name, "failed"), array.failed)
            found.add(DISKS, (name, "spare"), array.spare)
            found.add(REQUIRED, (name,), array.required)
            found.add(BLOCKS, (name,), array.blocks)
            found.add(SYNCED, (name,), array.synced)
        self._members(found)
        return found.families()

    def _members(self, found: Gathered) -> None:
        folder = f"{self._host.sysfs}/block"
        try:
            names = [name for name in names_in(folder) if name.startswith("md")]
        except FileNotFoundError:
            return
        for name in names:
            try:
                told = read_attributes(
                    f"{folder}/{name}/md", ("raid_disks", "degraded")
                )
            except FileNotFoundError:
                continue
            if disks := told.get("raid_disks"):
                # While an array is reshaped, the former number follows.
                found.add(RAID_DISKS, (name,), int(disks.split()[0]))
            # Levels that cannot be degraded do not tell.
            found.add(DEGRADED, (name,), int(told.get("degraded", 0)))


def parse_mdstat(text: str) -> list[Array]:
    """Return the arrays of /proc/mdstat.

    An array begins at the margin; what is indented below is about it.
    """
    return [_array(block) for block in _blocks(text.splitlines())]


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in (*lines, ""):
        if block and line[:1].isspace():
            block.append(line)
            continue
        if len(block) > 1:
            yield block
        begins = " : " in line and not line.startswith("Personalities")
        block = [line] if begins else []


def _array(block: Sequence[str]) -> Array:
    head, sizes, *rest = block
    name, _, state, *_ = head.split()
    blocks = synced = int(sizes.split()[0])
    required = active = 0
    if any(level in head.split() for level in _NOT_REDUNDANT):
        required = active = head.count("[")
    elif state != "inactive" and (disks := _DISKS.search(sizes)):
        required, active = int(disks[1]), int(disks[2])
    for line in rest:
        for word, activity in _ACTIVITIES.items():
            if re.search(rf"\b{word}\b", line):
                state = activity
                progress = _PROGRESS.search(line)
                # One that is delayed or pending has not begun.
                synced = int(progress[1]) if progress else 0
    return Array(
        name,
        state,
        required,
        active,
        failed=head.count("(F)"),
        spare=head.count("(S)"),
        blocks=blocks,
        synced=synced,
    )
