"""The real program with modules and rules of a test, to be asked at `/probe`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from tests.exporter.test_main import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def running_prober(
    directory: Path,
    modules: Sequence[dict[str, Any]],
    allow: Sequence[str],
    destinations: Sequence[dict[str, Any]] = (),
    *,
    exporter: dict[str, Any] | None = None,
    **probes: Any,
) -> Iterator[str]:
    """Yield its URL; `exporter` and `probes` are further settings of these sections."""
    settings = {
        "exporter": {
            "listen": "127.0.0.1:0",
            "probe": {"allow": list(allow), "rate": 100_000, "burst": 100_000},
            **(exporter or {}),
        },
        "probes": {
            "modules": list(modules),
            "destinations": list(destinations),
            **probes,
        },
    }
    path = directory / "exporter.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with running(directory, "--config", str(path)) as program:
        yield program.url.removesuffix("/metrics")
