"""The harbour: one port for each place that echo requests leave from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.probes.icmp_sockets import Place, open_socket
from exporter.probes.namespaces import identity_of
from exporter.probes.ports import Port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.probes.icmp_sockets import Wanted
    from runtime.probing.probes import IcmpProbe


class Harbour:
    """Opens ports when they are first needed, and keeps them.

    A port is opened anew where its namespace is another one of that name, or where its
    interface or address was gone. `now` is the realtime clock in ns, `pattern` what
    requests are filled with.
    """

    def __init__(
        self,
        sockets: Wanted,
        pattern: bytes,
        now: Callable[[], int],
        *,
        transmit_stamps: bool,
    ) -> None:
        self._sockets: Wanted = sockets
        self._pattern = pattern
        self._now = now
        self._transmit_stamps = transmit_stamps
        self._ports: dict[Place, Port] = {}

    @property
    def ports(self) -> Iterable[Port]:
        """All that are open."""
        return self._ports.values()

    @property
    def sockets(self) -> dict[tuple[int, str], int]:
        """How many sockets are open, by family and kind."""
        counted: dict[tuple[int, str], int] = {}
        for port in self.ports:
            key = (port.family, port.kind)
            counted[key] = counted.get(key, 0) + 1
        return counted

    def port(self, family: int, settings: IcmpProbe) -> Port:
        """Return the port for a probe's requests; raises ProbeFailed."""
        place = Place(family, settings.namespace, settings.source, settings.interface)
        identity = identity_of(place.namespace)
        port = self._ports.get(place)
        if port and (port.is_stale or port.identity != identity):
            self._ports.pop(place).close()
            port = None
        if port is None:
            opened = open_socket(
                place, self._sockets, transmit_stamps=self._transmit_stamps
            )
            port = Port(family, opened, self._pattern, self._now)
            port.identity = identity
            self._ports[place] = port
        return port

    def close(self) -> None:
        """Close all ports."""
        for port in self.ports:
            port.close()
        self._ports.clear()
