"""How the pages of each zone of memory are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Gathered, Host, Kind, Metric

if TYPE_CHECKING:
    from runtime.settings import OptionalCollector as Options

_LABELS: Final = ("node", "zone")


def _metric(name: str, text: str) -> Metric:
    is_counter = name.endswith("_total")
    kind: Kind = "counter" if is_counter else "gauge"
    return Metric(f"node_zoneinfo_{name}", kind, text, _LABELS)


METRICS: Final = {
    "high": _metric("high_pages", "Zone watermark pages_high"),
    "low": _metric("low_pages", "Zone watermark pages_low"),
    "managed": _metric("managed_pages", "Present pages managed by the buddy system"),
    "min": _metric("min_pages", "Zone watermark pages_min"),
    "nr_active_anon": _metric(
        "nr_active_anon_pages", "Number of anonymous pages recently more used"
    ),
    "nr_active_file": _metric(
        "nr_active_file_pages", "Number of active pages with file-backing"
    ),
    "nr_anon_pages": _metric(
        "nr_anon_pages", "Number of anonymous pages currently used by the system"
    ),
    "nr_anon_transparent_hugepages": _metric(
        "nr_anon_transparent_hugepages",
        "Number of anonymous transparent huge pages currently used by the system",
    ),
    "nr_dirtied": _metric("nr_dirtied_total", "Page dirtyings since bootup"),
    "nr_dirty": _metric("nr_dirty_pages", "Number of dirty pages"),
    "nr_file_pages": _metric("nr_file_pages", "Number of file pages"),
    "nr_free_pages": _metric("nr_free_pages", "Total number of free pages in the zone"),
    "nr_inactive_anon": _metric(
        "nr_inactive_anon_pages", "Number of anonymous pages recently less used"
    ),
    "nr_inactive_file": _metric(
        "nr_inactive_file_pages", "Number of inactive pages with file-backing"
    ),
    "nr_isolated_anon": _metric(
        "nr_isolated_anon_pages", "Temporary isolated pages from anon lru"
    ),
    "nr_isolated_file": _metric(
        "nr_isolated_file_pages", "Temporary isolated pages from file lru"
    ),
    "nr_kernel_stack": _metric("nr_kernel_stacks", "Number of kernel stacks"),
    "nr_mapped": _metric("nr_mapped_pages", "Number of mapped pages"),
    "nr_shmem": _metric(
        "nr_shmem_pages", "Number of shmem pages (included tmpfs/GEM pages)"
    ),
    "nr_slab_reclaimable": _metric(
        "nr_slab_reclaimable_pages", "Number of reclaimable slab pages"
    ),
    "nr_slab_unreclaimable": _metric(
        "nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages"
    ),
    "nr_unevictable": _metric("nr_unevictable_pages", "Number of unevictable pages"),
    "nr_writeback": _metric("nr_writeback_pages", "Number of writeback pages"),
    "nr_written": _metric("nr_written_total", "Page writings since bootup"),
    "numa_foreign": _metric("numa_foreign_total", "Was intended here, hit elsewhere"),
    "numa_hit": _metric("numa_hit_total", "Allocated in intended node"),
    "numa_interleave": _metric(
        "numa_interleave_total", "Interleaver preferred this zone"
    ),
    "numa_local": _metric("numa_local_total", "Allocation from local node"),
    "numa_miss": _metric("numa_miss_total", "Allocated in non intended node"),
    "numa_other": _metric("numa_other_total", "Allocation from other node"),
    "present": _metric("present_pages", "Physical pages existing within the zone"),
    "spanned": _metric(
        "spanned_pages", "Total pages spanned by the zone, including holes"
    ),
}
"""Metrics by field; what the kernel says of a node is in its first zone."""


class Zoneinfo:
    """Reads /proc/zoneinfo."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host
        self._protections: list[Metric] = []

    def collect(self) -> list[Family]:
        """Return a family for each field, a sample for each zone that has it."""
        found = Gathered()
        labels = ("", "")
        for line in self._host.proc("zoneinfo").splitlines():
            words = line.replace("pages free", "free").split()
            if words[0] == "Node":
                labels = (words[1].rstrip(","), words[3])
            elif words[0] == "protection:":
                limits = line.partition("(")[2].rstrip(")").split(",")
                for place, limit in enumerate(limits):
                    found.add(self._protection(place), labels, int(limit))
            elif (metric := METRICS.get(words[0])) is not None:
                found.add(metric, labels, int(words[1]))
        return found.families()

    def _protection(self, place: int) -> Metric:
        while len(self._protections) <= place:
            number = len(self._protections)
            text = f"Protection array {number}. field"
            self._protections.append(_metric(f"protection_{number}", text))
        return self._protections[place]
