"""How often each CPU served each interrupt.

A series per CPU and interrupt is cheap on small machines and a flood on large ones: a
machine with more CPUs than `max_cpus` is left out, and so are pairs that never met.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere, read

if TYPE_CHECKING:
    from runtime.settings import InterruptsCollector as Options

INTERRUPTS = Metric(
    "node_interrupts_total",
    "counter",
    "Interrupt details.",
    ("cpu", "type", "info", "devices"),
)
_PAGE: Final = 4096


class Interrupts:
    """Reads /proc/interrupts, a line for each interrupt and a column for each CPU."""

    def __init__(self, host: Host, options: Options) -> None:
        self._path = f"{host.procfs}/interrupts"
        self._excluded = re.compile(options.exclude_names)
        self._zeros = options.include_zeros
        self._most = options.max_cpus
        self._lines: dict[tuple[str, str], list[tuple[str, ...]] | None] = {}
        self._cpus: list[str] = []

    def collect(self) -> list[Family]:
        """Return one family; NothingHere where there are too many CPUs."""
        try:
            number = len(_header(self._path))
        except FileNotFoundError as error:
            raise NothingHere("a kernel that does not tell interrupts") from error
        if number > self._most:
            raise NothingHere(f"{number} CPUs are more than max_cpus")
        # A CPU may go offline meanwhile, and its column with it.
        head, _, text = read(self._path).partition("\n")
        cpus = [name.removeprefix("CPU") for name in head.split()]
        if cpus != self._cpus:
            self._cpus, self._lines = cpus, {}
        samples: list[tuple[tuple[str, ...], float]] = []
        for line in text.splitlines():
            name, _, rest = line.partition(":")
            counts = rest.split(maxsplit=len(cpus))
            if len(counts) <= len(cpus):
                continue  # ERR and MIS are not counted by CPU
            labels = self._labels(name.strip(), counts[-1])
            if labels is not None:
                samples += [
                    (label, int(count))
                    for label, count in zip(labels, counts, strict=False)
                    if self._zeros or count != "0"
                ]
        return [Family(INTERRUPTS, samples)]

    def _labels(self, name: str, text: str) -> list[tuple[str, ...]] | None:
        """Return the labels of a line by CPU, or None if it is left out."""
        try:
            return self._lines[name, text]
        except KeyError:
            words = text.split()
            numeric = name.isdigit()
            info = words[0] if numeric else " ".join(words)
            devices = " ".join(words[1:]) if numeric else ""
            labels: list[tuple[str, ...]]
            labels = [(cpu, name, info, devices) for cpu in self._cpus]
            excluded = self._excluded.search(f"{name};{info};{devices}")
            self._lines[name, text] = None if excluded else labels
            return self._lines[name, text]


def _header(path: str) -> list[str]:
    """Return the words of the first line; the kernel writes little more than it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        text = os.read(handle, _PAGE)
        while b"\n" not in text and (more := os.read(handle, _PAGE)):
            text += more
    finally:
        os.close(handle)
    return text.partition(b"\n")[0].decode().split()
