"""What it costs to write 10,000 samples as text: ours against `generate_latest`.

All values change between two scrapes, which is the worst case, or none does. The peer
writes the same families; both must give the same bytes.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from _claims import Claim, parser, report  # noqa: E402 - beside this file
from prometheus_client.core import CounterMetricFamily  # noqa: E402 - with the others
from prometheus_client.exposition import generate_latest  # noqa: E402 - with the others

from exporter.collectors.base import Family, Metric  # noqa: E402 - from the line above
from exporter.render import text_renderer  # noqa: E402 - from the line above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FAMILIES, SERIES = 100, 100
TURNS = 15
GOAL_MS = 5.0
METRICS = [
    Metric(f"bench_{number}_total", "counter", "A counter.", ("device", "mode"))
    for number in range(FAMILIES)
]
LABELS = [(f"device{number}", "read") for number in range(SERIES)]


class Peer:
    """The same families as a collector of prometheus_client."""

    def __init__(self, turn: int) -> None:
        self.turn = turn

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Yield the families of a turn."""
        for metric in METRICS:
            name = metric.name.removesuffix("_total")
            family = CounterMetricFamily(name, metric.help, labels=metric.labels)
            for place, labels in enumerate(LABELS):
                family.add_metric(labels, value(place, self.turn))
            yield family


def value(place: int, turn: int) -> float:
    """Return a number with a fraction that is another one in each turn."""
    return place * 17.25 + turn * 1.125


def families(turn: int) -> list[Family]:
    """Return ours of a turn."""
    samples = [(labels, value(place, turn)) for place, labels in enumerate(LABELS)]
    return [Family(metric, samples) for metric in METRICS]


def milliseconds(work: Callable[[], bytes]) -> tuple[float, bytes]:
    """Return the CPU time of a piece of work, and what it gave."""
    began = time.process_time()
    found = work()
    return (time.process_time() - began) * 1000, found


def main() -> None:
    """Run both in turns and print what was found."""
    arguments = parser(__doc__).parse_args()
    renderer = text_renderer()
    renderer.render(families(0))
    changed, same, theirs = [], [], []
    for turn in range(1, TURNS + 1):
        found = families(turn)
        taken, ours = milliseconds(partial(renderer.render, found))
        changed.append(taken)
        same.append(milliseconds(partial(renderer.render, found))[0])
        peer = Peer(turn)
        taken, text = milliseconds(partial(generate_latest, peer))
        theirs.append(taken)
        if ours != text:
            sys.exit("the two wrote different bytes")
    told = f"render {FAMILIES * SERIES:,} samples"
    middle = statistics.median
    claims = [
        Claim(f"{told}, all changed, CPU ms", middle(changed), None, GOAL_MS),
        Claim(f"{told}, all changed, against it", middle(changed), middle(theirs), 0.2),
        Claim(f"{told}, none changed, CPU ms", middle(same), None, GOAL_MS),
    ]
    rounded = [
        Claim(one.claim, round(one.ours, 2), one.peer and round(one.peer, 2), one.goal)
        for one in claims
    ]
    report(rounded, "exporter against generate_latest", as_json=arguments.json)


if __name__ == "__main__":
    main()
