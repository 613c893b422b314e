"""Write grafana/dashboards/*.json: `python -m grafana.build`, `--check` compares."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana import bridge, host, probes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana.dashboard import Dashboard

FOLDER: Final = Path(__file__).parent / "dashboards"

DASHBOARDS: Final[dict[str, Dashboard]] = {
    "host.json": host.DASHBOARD,
    "bridge.json": bridge.DASHBOARD,
    "probes.json": probes.DASHBOARD,
}


def rendered() -> dict[str, str]:
    """Return the text of each file, by its name."""
    return {
        name: json.dumps(dashboard.render(), indent=2, sort_keys=True) + "\n"
        for name, dashboard in DASHBOARDS.items()
    }


def outdated(folder: Path = FOLDER) -> list[str]:
    """Return the names of files that are not what would be written now."""
    return [
        name
        for name, text in rendered().items()
        if not (folder / name).exists() or (folder / name).read_text() != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the dashboards, or with `--check` fail if they are not current."""
    parser = argparse.ArgumentParser(prog="grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if parser.parse_args(arguments).check:
        old = outdated()
        for name in old:
            sys.stderr.write(
                f"grafana/dashboards/{name}: run python -m grafana.build\n"
            )
        return bool(old)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
