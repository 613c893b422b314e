"""Reading a window by remote read against reading it as JSON, from one Prometheus.

A real Prometheus holds 10,000 and 100,000 series (100 metrics, 6 labels, a sample every
15 s). Sources with either transport read the same windows in turns, all of it: shards,
decoding, ids and blocks; medians are compared. Decoding is also measured alone, as CPU
time. The other kind of answer that remote read has, chunks, is only received and thrown
away, against samples that are received and decoded.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import urllib3  # noqa: E402 - from the line above
from _claims import Claim, parser, report  # noqa: E402 - beside this file
from cycle import BEGIN, WINDOWS, lines  # noqa: E402 - same

from bridge.sources.base import Warnings  # noqa: E402 - same
from bridge.sources.payload import decode_matrix  # noqa: E402 - same
from bridge.sources.remote_read_codec import (  # noqa: E402 - same
    SAMPLES,
    STREAMED_XOR_CHUNKS,
    request,
    series_of,
    uncompress,
)
from bridge.sources.remote_read_scan import scan  # noqa: E402 - same
from bridge.sources.selectors import parse  # noqa: E402 - same
from runtime.clock import SystemClock  # noqa: E402 - same
from tests.bridge.sources.reading import Harness  # noqa: E402 - same
from tests.servers import RealPrometheus, create_blocks  # noqa: E402 - same

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES: Final = (10_000, 100_000)
GOAL: Final = 1.0
"""Remote read is what `auto` takes, so it must not be slower."""

HEADERS: Final = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-read-version": "0.1.0",
}
LARGEST: Final = 1 << 30


def selector(size: int) -> str:
    """Return what selects the series of a size."""
    return f'{{__name__=~"bench_{size}_.*"}}'


class Reader:
    """A source with one transport, and what it decodes noted."""

    def __init__(self, url: str, size: int, transport: str) -> None:
        wanted: dict[str, Any] = {"selectors": (selector(size),)}
        self._bench = Harness(url, SystemClock(), transport=transport, **wanted)
        self._remote = transport == "remote_read"
        self._size = size

    def run(self, start_ms: int) -> float:
        """Return the seconds that one window takes."""
        began = time.perf_counter()
        blocks = self._bench.source.read(start_ms, start_ms + 60_000, Warnings())
        series = sum(len(block.series_id) for block in blocks)
        seconds = time.perf_counter() - began
        if series != self._size:
            raise RuntimeError(f"{series} series instead of {self._size}")
        return seconds

    def decode(self, start_ms: int) -> float:
        """Return the seconds of CPU that decoding a window takes."""
        plan = self._bench.source._planner.plan  # noqa: SLF001 - to time a part
        end_ms = start_ms + 60_000
        selectors = [shard.selector for shard in plan(start_ms, end_ms)]
        api = self._bench.source._api  # noqa: SLF001 - same
        if self._remote:
            bodies = [
                api.read(request(one.conditions, start_ms, end_ms)) for one in selectors
            ]
        else:
            bodies = [api.raw(one, start_ms, end_ms) for one in selectors]
        began = time.process_time()
        for body in bodies:
            if self._remote:
                scan(series_of(body))
            else:
                decode_matrix(body, Warnings())
        return time.process_time() - began

    def close(self) -> None:
        """Let go of connections."""
        self._bench.close()


class Endpoint:
    """Remote read without a source around it, all series in one answer."""

    def __init__(self, url: str, size: int) -> None:
        self._url = f"{url}/api/v1/read"
        self._matchers = parse(selector(size)).conditions
        self._pool = urllib3.PoolManager()

    def samples(self, start_ms: int) -> float:
        """Return the seconds until samples are received and decoded."""
        began = time.perf_counter()
        body = self._ask(start_ms, SAMPLES)
        scan(series_of(uncompress(body, LARGEST)))
        return time.perf_counter() - began

    def chunks(self, start_ms: int) -> float:
        """Return the seconds until chunks are received, undecoded."""
        began = time.perf_counter()
        self._ask(start_ms, STREAMED_XOR_CHUNKS)
        return time.perf_counter() - began

    def _ask(self, start_ms: int, kind: int) -> bytes:
        answer = self._pool.request(
            "POST",
            self._url,
            body=request(self._matchers, start_ms, start_ms + 60_000, kind),
            headers=HEADERS,
        )
        if answer.status != 200:
            raise RuntimeError(f"Prometheus answered {answer.status}")
        return answer.data


def in_turns(
    ours: Callable[[int], float], peer: Callable[[int], float]
) -> tuple[float, float]:
    """Return the medians of both over all windows but the first."""
    found = []
    for number in range(WINDOWS):
        start_ms = (BEGIN + 60 * number) * 1000
        found.append((ours(start_ms), peer(start_ms)))
    first, second = zip(*found[1:], strict=True)
    return statistics.median(first), statistics.median(second)


def claims_of(url: str, size: int) -> list[Claim]:
    """Measure one size."""
    remote, http = Reader(url, size, "remote_read"), Reader(url, size, "http")
    endpoint = Endpoint(url, size)
    measured = {
        f"remote read, a window of {size} series, s": (remote.run, http.run),
        f"remote read, decoding {size} series, CPU s": (remote.decode, http.decode),
        f"samples decoded against chunks thrown away, {size} series, s": (
            endpoint.samples,
            endpoint.chunks,
        ),
    }
    claims = []
    for claim, both in measured.items():
        ours, peer = in_turns(*both)
        claims.append(Claim(claim, round(ours, 4), round(peer, 4), GOAL))
    remote.close()
    http.close()
    return claims


def main() -> None:
    """Measure all sizes."""
    arguments = parser(__doc__)
    arguments.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    chosen = arguments.parse_args()
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        data = directory / "blocks"
        for size in chosen.sizes:
            create_blocks(data, lines(size))
        with RealPrometheus(directory / "prometheus", data_dir=data) as prometheus:
            for size in chosen.sizes:
                claims += claims_of(prometheus.url, size)
    report(claims, "remote read against the query API", as_json=chosen.json)


if __name__ == "__main__":
    main()
