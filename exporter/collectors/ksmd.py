"""How much memory is saved by keeping equal pages once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere, read_attributes

if TYPE_CHECKING:
    from runtime.settings import OptionalCollector as Options


def _gauge(name: str, text: str) -> Metric:
    return Metric(f"node_ksmd_{name}", "gauge", text)


METRICS: Final = {
    "full_scans": Metric(
        "node_ksmd_full_scans_total",
        "counter",
        "How many times all mergeable areas have been scanned.",
    ),
    "general_profit": _gauge(
        "general_profit_bytes",
        "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * "
        "sizeof(rmap_item)",
    ),
    "merge_across_nodes": _gauge(
        "merge_across_nodes",
        "Specifies if pages from different NUMA nodes can be merged.",
    ),
    "pages_shared": _gauge("pages_shared", "How many shared pages are being used."),
    "pages_sharing": _gauge(
        "pages_sharing", "How many more sites are sharing them i.e. how much saved."
    ),
    "pages_to_scan": _gauge(
        "pages_to_scan", "How many pages to scan before ksmd goes to sleep."
    ),
    "pages_unshared": _gauge(
        "pages_unshared", "How many pages unique but repeatedly checked for merging."
    ),
    "pages_volatile": _gauge(
        "pages_volatile", "How many pages changing too fast to be placed in a tree."
    ),
    "run": _gauge("run", "The status of ksmd. stopped = 0, running = 1"),
    "sleep_millisecs": _gauge(
        "sleep_seconds", "How many seconds ksmd should sleep before next scan."
    ),
}
"""Metrics by their file."""
_MILLISECONDS: Final = 1000


class Ksmd:
    """Reads /sys/kernel/mm/ksm."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/kernel/mm/ksm"

    def collect(self) -> list[Family]:
        """Return what this kernel tells."""
        try:
            told = read_attributes(self._folder, METRICS)
        except FileNotFoundError as error:
            raise NothingHere("a kernel without KSM") from error
        return [
            METRICS[name].of(
                int(text) / (_MILLISECONDS if name == "sleep_millisecs" else 1)
            )
            for name, text in told.items()
        ]
