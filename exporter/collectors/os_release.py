"""Which distribution the machine runs, in which version and for how long."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

_LABELS: Final = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)
INFO = Metric(
    "node_os_info",
    "gauge",
    f"A metric with a constant '1' value labeled by {', '.join(_LABELS)}.",
    _LABELS,
)
VERSION = Metric(
    "node_os_version",
    "gauge",
    "Metric containing the major.minor part of the OS version.",
    ("id", "id_like", "name"),
)
SUPPORT_END = Metric(
    "node_os_support_end_timestamp_seconds",
    "gauge",
    "Metric containing the end-of-life date timestamp of the OS.",
)
_FILES: Final = ("etc/os-release", "usr/lib/os-release")
_MAJOR_MINOR: Final = re.compile(r"\d+(\.\d+)?")


class OsRelease:
    """Reads os-release below the host's root when it has changed."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._paths = [Path(host.rootfs, name) for name in _FILES]
        self._seen: tuple[Path, int] | None = None
        self._families: list[Family] = []

    def collect(self) -> list[Family]:
        """Return the names and versions as labels, and the version as a number."""
        for path in self._paths:
            try:
                seen = path, path.stat().st_mtime_ns
                if seen != self._seen:
                    text = path.read_text("utf-8", "replace")
                    self._families, self._seen = families(parse(text)), seen
            except FileNotFoundError:
                continue
            return self._families
        raise NothingHere("no os-release below the root of the host")


def parse(text: str) -> dict[str, str]:
    """Return the settings of an os-release file, unquoted; see os-release(5)."""
    told = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            told[name] = "".join(shlex.split(value))
    return told


def families(told: dict[str, str]) -> list[Family]:
    """Return the metrics of an os-release file."""
    labels = tuple(told.get(label.upper(), "") for label in _LABELS)
    found = [Family(INFO, ((labels, 1),))]
    if version := _MAJOR_MINOR.match(told.get("VERSION_ID", "")):
        short = tuple(told.get(label.upper(), "") for label in VERSION.labels)
        found.append(Family(VERSION, ((short, float(version[0])),)))
    if end := told.get("SUPPORT_END"):
        moment = datetime.strptime(end, "%Y-%m-%d").replace(tzinfo=UTC)
        found.append(SUPPORT_END.of(moment.timestamp()))
    return found
