from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from exporter.otlp.resource import attributes
from exporter.telemetry import version

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = "0123456789abcdef0123456789abcdef"
LISTEN = "127.0.0.1:9105"


def root(folder: Path) -> Path:
    (folder / "etc").mkdir()
    (folder / "etc" / "machine-id").write_text(f"{MACHINE}\n", encoding="ascii")
    (folder / "etc" / "os-release").write_text(
        'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n', encoding="ascii"
    )
    return folder


def test_who_pushes(tmp_path: Path) -> None:
    found = attributes(root(tmp_path), LISTEN, {})
    instance = found.pop("service.instance.id")
    assert found == {
        "service.name": "epimetheus-exporter",
        "service.version": version(),
        "host.name": os.uname().nodename,
        "host.id": MACHINE,
        "os.type": "linux",
        "os.description": "Debian GNU/Linux 12",
    }
    assert attributes(tmp_path, LISTEN, {})["service.instance.id"] == instance
    assert attributes(tmp_path, "[::]:1", {})["service.instance.id"] != instance


def test_what_was_asked_for_wins(tmp_path: Path) -> None:
    asked = {"service.name": "shop", "deployment.environment.name": "test"}
    found = attributes(root(tmp_path), LISTEN, asked)
    assert found.items() >= asked.items()
    assert found["host.id"] == MACHINE


def test_a_root_that_says_nothing(tmp_path: Path) -> None:
    found = attributes(tmp_path, LISTEN, {})
    assert "host.id" not in found
    assert found["os.description"] == f"Linux {platform.release()}"
