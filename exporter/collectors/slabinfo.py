"""What the kernel keeps in its slabs, kind by kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Gathered, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import SlabinfoCollector as Options


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"node_slabinfo_{name}", "gauge", text, ("slab",))


COLUMNS: Final = (
    _gauge(
        "active_objects",
        "The number of objects that are currently active (i.e., in use).",
    ),
    _gauge(
        "objects",
        "The total number of allocated objects (i.e., objects that are both in use "
        "and not in use).",
    ),
    _gauge("object_size_bytes", "The size of objects in this slab, in bytes."),
    _gauge("objects_per_slab", "The number of objects stored in each slab."),
    _gauge("pages_per_slab", "The number of pages allocated for each slab."),
)
"""In the order of /proc/slabinfo."""


class Slabinfo:
    """Reads /proc/slabinfo, which only root may."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._excluded = re.compile(options.exclude_slabs)

    def collect(self) -> list[Family]:
        """Return five families, a sample for each slab that is not excluded."""
        try:
            text = self._host.proc("slabinfo")
        except (FileNotFoundError, PermissionError) as error:
            raise NothingHere("slabs that the exporter may not read") from error
        found = Gathered()
        for line in text.splitlines()[2:]:
            slab, *figures = line.split()
            if not self._excluded.search(slab):
                for metric, figure in zip(COLUMNS, figures, strict=False):
                    found.add(metric, (slab,), int(figure))
        return found.families()
