"""Reads replies as they come, while somebody waits for a few of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.probes.ports import Port


class Watch:
    """Has the running loop call `came` when there is something to read.

    It has to end before a port that is watched is closed.
    """

    def __init__(self, came: Callable[[], None]) -> None:
        self._came = came
        self._watched: dict[int, asyncio.AbstractEventLoop] = {}

    def begin(self, ports: Iterable[Port]) -> None:
        """Watch these ports, too."""
        loop = asyncio.get_running_loop()
        for port in ports:
            descriptor = port.fileno()
            if descriptor not in self._watched:
                loop.add_reader(descriptor, self._came)
                self._watched[descriptor] = loop

    def end(self) -> None:
        """Watch nothing."""
        for descriptor, loop in self._watched.items():
            loop.remove_reader(descriptor)
        self._watched.clear()
