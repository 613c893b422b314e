"""The vocabulary of collectors: metrics, families of samples, the host and its files.

Plain values at the bottom of the exporter: registry, renderer and server build on
them, and a collector needs nothing else.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.clock import Clock
    from runtime.settings import Paths

Kind = Literal["counter", "gauge", "histogram", "summary", "unknown"]
"""What a metric's values mean; unknown is `untyped` in the text format."""

_CHUNK = 65536


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """The constant part of a family; made once, since renderers remember by identity.

    The name is the one of the samples: that of a counter ends in `_total`. Samples of a
    histogram have two more labels at the end, the suffix of their name and `le`; see
    `distribution`. Those of a summary have the suffix and `quantile`.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.kind == "counter") != self.name.endswith("_total"):
            raise ValueError(f"{self.name}: counters, and only they, end in _total")

    def of(self, value: float) -> Family:
        """Return the family with this value as its one sample without labels."""
        return Family(self, (((), value),))


class Family(NamedTuple):
    """A metric and its samples at one moment, each label values in order and value."""

    metric: Metric
    samples: Sequence[tuple[tuple[str, ...], float]]


class Gathered:
    """Samples on their way to families, in the order in which metrics are met."""

    def __init__(self) -> None:
        self._samples: dict[Metric, list[tuple[tuple[str, ...], float]]] = {}

    def add(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Add a sample."""
        self._samples.setdefault(metric, []).append((labels, value))

    def families(self) -> list[Family]:
        """Return what was added, a family for each metric."""
        return [Family(metric, samples) for metric, samples in self._samples.items()]


def distribution(
    labels: tuple[str, ...], edges: Sequence[str], counts: Sequence[int], total: float
) -> list[tuple[tuple[str, ...], float]]:
    """Return the samples of one series of a histogram.

    `edges` are the upper bounds as they are written, `+Inf` the last; `counts` are
    those of each bucket by itself. `total` is the sum of all values.
    """
    samples: list[tuple[tuple[str, ...], float]] = []
    cumulated = 0
    for edge, count in zip(edges, counts, strict=True):
        cumulated += count
        samples.append(((*labels, "_bucket", edge), cumulated))
    samples.append(((*labels, "_count", ""), cumulated))
    samples.append(((*labels, "_sum", ""), total))
    return samples


class NothingHere(Exception):  # noqa: N818 - an outcome, not an error
    """Raised by a collector that finds nothing to measure on this machine."""


class Collector(Protocol):
    """Measures one thing; never runs twice at the same time."""

    def collect(self) -> Iterable[Family]:
        """Return what is measured now; raise NothingHere, or any error on failure."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where the machine is read from, and the time.

    `deadline` is the number of seconds that a collector has for one answer.
    """

    procfs: str
    sysfs: str
    rootfs: str
    clock: Clock
    deadline: float = 5.0
    linux: bool = sys.platform == "linux"

    @classmethod
    def at(cls, paths: Paths, clock: Clock, deadline: float) -> Host:
        """Return the host whose filesystems are mounted at these paths."""
        return cls(
            procfs=str(paths.procfs),
            sysfs=str(paths.sysfs),
            rootfs=str(paths.rootfs),
            clock=clock,
            deadline=deadline,
        )

    def proc(self, name: str) -> str:
        """Return the text of a file below procfs; raise OSError if it is unreadable."""
        return read(f"{self.procfs}/{name}")

    def sys(self, name: str) -> str:
        """Return the text of a file below sysfs; raise OSError if it is unreadable."""
        return read(f"{self.sysfs}/{name}")


def read(path: str) -> str:
    """Return the text of a file of the kernel; bytes that are no UTF-8 are replaced.

    The kernel hands out long files in pieces, whatever the size asked for.
    """
    return read_bytes(path).decode("utf-8", "replace")


def read_bytes(path: str) -> bytes:
    """Return the content of a file of the kernel, with the fewest system calls."""
    handle = os.open(path, os.O_RDONLY)
    try:
        content = os.read(handle, _CHUNK)
        while piece := os.read(handle, _CHUNK):
            content += piece
    finally:
        os.close(handle)
    return content


def names_in(folder: str) -> list[str]:
    """Return the names in a folder in order; raise OSError if it cannot be listed."""
    return sorted(os.listdir(folder))  # noqa: PTH208 - half the price of Path objects


def numbered(folder: str, prefix: str) -> list[tuple[str, str]]:
    """Return name and number of what is called prefix and digits in a folder, in order.

    A folder that is missing or closed holds nothing.
    """
    try:
        names = names_in(folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    length = len(prefix)
    return [
        (name, name[length:])
        for name in names
        if name.startswith(prefix) and name[length:].isdigit()
    ]


def read_attributes(folder: str, names: Iterable[str]) -> dict[str, str]:
    """Return the attributes of a sysfs folder that are there and readable, stripped.

    An attribute that means nothing for a device is absent or answers an error. Raises
    OSError if the folder itself cannot be opened. The path is resolved once for all
    attributes, which halves their price.
    """
    found: dict[str, str] = {}
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names:
            try:
                handle = os.open(name, os.O_RDONLY, dir_fd=directory)
            except OSError:
                continue
            try:
                found[name] = os.read(handle, _CHUNK).decode("utf-8", "replace").strip()
            except OSError:
                continue
            finally:
                os.close(handle)
    finally:
        os.close(directory)
    return found
