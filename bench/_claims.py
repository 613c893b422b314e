"""How a bench says what it measured: a table for people, lines of JSON for programs."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Claim:
    """One measured comparison; smaller figures are better.

    `peer` is what the peer or the raw limit took in the same run, None where the goal
    is a figure of its own; `goal` bounds the ratio, or `ours` without a peer.
    """

    claim: str
    ours: float
    peer: float | None
    goal: float

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's."""
        return None if self.peer is None else round(self.ours / self.peer, 3)

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
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
    table = Table("claim", "ours", "peer", "ratio", "goal", "met", title=title)
    for claim in claims:
        fields = claim.as_json()
        names = ("claim", "ours", "peer", "ratio", "goal", "met")
        table.add_row(*("-" if fields[n] is None else str(fields[n]) for n in names))
    Console(width=110).print(table)
