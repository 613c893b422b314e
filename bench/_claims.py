"""How a bench says what it measured: a Markdown table, or lines of JSON for programs.

The rows of the table are those of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_COLUMNS: Final = ("script", "claim", "ours", "peer", "ratio", "goal", "met")


@dataclass(frozen=True)
class Claim:
    """One measured comparison; smaller figures are better.

    `peer` is what the peer or the raw limit took in the same run, None where the goal
    is a figure of its own; `goal` bounds the ratio, or `ours` without a peer. It is
    None for a figure that is only told.
    """

    claim: str
    ours: float
    peer: float | None = None
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's."""
        return None if self.peer is None else round(self.ours / self.peer, 3)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, None where there is none."""
        if self.goal is None:
            return None
        return (self.ours if self.ratio is None else self.ratio) <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Return the claim with what follows from it."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows `--json`."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--json", action="store_true", help="one object per claim")
    return made


def report(claims: list[Claim], title: str, *, as_json: bool) -> None:
    """Print what was measured."""
    if as_json:
        for claim in claims:
            print(json.dumps(claim.as_json()))
        return
    script = f"`{Path(sys.argv[0]).name}`"
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS)]
    rows += [_row(script, claim.as_json()) for claim in claims]
    print(f"{title}\n")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _row(script: str, fields: dict[str, Any]) -> tuple[str, ...]:
    said = {None: "-", True: "yes", False: "**no**"}
    told = {**fields, "script": script, "met": said[fields["met"]]}
    return tuple("-" if told[name] is None else str(told[name]) for name in _COLUMNS)
