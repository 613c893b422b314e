"""Who it is that pushes: the attributes of OpenTelemetry's resource."""

from __future__ import annotations

import os
import platform
import uuid
from typing import TYPE_CHECKING, Final

from exporter.telemetry import version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVICE: Final = "epimetheus-exporter"
_MACHINE_ID: Final = ("etc/machine-id", "var/lib/dbus/machine-id")
_OS_RELEASE: Final = ("etc/os-release", "usr/lib/os-release")
_NAMESPACE: Final = uuid.UUID("7f2ad9be-5c07-4bb3-9f5a-1f6a9f0d2b5e")
"""Of this program's instances: chosen once, at random."""


def attributes(
    rootfs: Path, listen: str, asked_for: Mapping[str, str]
) -> dict[str, str]:
    """Return the attributes, those that were asked for last, so that they win.

    `rootfs` is the host's root. An instance is the exporter of a host that listens at
    an address: its id stays the same when it is started anew.
    """
    host = os.uname().nodename
    machine = _first(rootfs, _MACHINE_ID).strip()
    found = {
        "service.name": SERVICE,
        "service.version": version(),
        "service.instance.id": str(
            uuid.uuid5(_NAMESPACE, f"{machine or host} {listen}")
        ),
        "host.name": host,
        "host.id": machine,
        "os.type": platform.system().lower(),
        "os.description": _description(rootfs),
    }
    return {key: value for key, value in (found | dict(asked_for)).items() if value}


def _description(rootfs: Path) -> str:
    for line in _first(rootfs, _OS_RELEASE).splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")
    return f"{platform.system()} {platform.release()}"


def _first(rootfs: Path, names: tuple[str, ...]) -> str:
    """Return the text of the first file that can be read, '' without one."""
    for name in names:
        try:
            return (rootfs / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return ""
