"""How much randomness the kernel has gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

AVAILABLE = Metric("node_entropy_available_bits", "gauge", "Bits of available entropy.")
POOL = Metric("node_entropy_pool_size_bits", "gauge", "Bits of entropy pool.")


class Entropy:
    """Reads /proc/sys/kernel/random."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the bits that are there, and that there could be."""
        try:
            available = int(self._host.proc("sys/kernel/random/entropy_avail"))
            pool = int(self._host.proc("sys/kernel/random/poolsize"))
        except FileNotFoundError as error:
            raise NothingHere("the kernel does not tell its entropy") from error
        return [AVAILABLE.of(available), POOL.of(pool)]
