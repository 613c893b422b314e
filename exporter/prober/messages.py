"""What the exporter and its prober's process say to each other.

Settings travel as JSON, since their schema reads and writes it; results as msgpack.
Both sides are of the same version, so that nothing here has to be compatible.
"""

from __future__ import annotations

import msgspec

from exporter.prober.findings import History
from runtime.probing.rules import Rules
from runtime.probing.wire import Result, Run, TestResult


class Row(msgspec.Struct, frozen=True, array_like=True):
    """Where a job's probe of a destination is counted: a row of board and tally."""

    row: int
    job: str
    destination: str
    probe: str
    kind: str


class JobCounts(msgspec.Struct, array_like=True):
    """What became of a job's runs; `left_out` were due while nothing could run."""

    completed: int = 0
    failed: int = 0
    aborted: int = 0
    left_out: int = 0
    skipped: int = 0


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """The first word: the JSON of the sections `log` and `exporter.prober`."""

    log: bytes
    prober: bytes
    procfs: str


class Work(msgspec.Struct, frozen=True, tag="work"):
    """All that has to be done from now on by an agent: the JSON of a `wire.Plan`.

    `keep` are the results that are wanted at most; with `none`, nor are runs, which are
    then only counted.
    """

    plan: bytes
    agent: str
    keep: History


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """One probe, at once: the JSON of its settings, and whom it tries.

    Without a guard everything is allowed. `timeout` is in seconds, for all of it.
    """

    id: int
    probe: bytes
    name: str
    host: str
    timeout: float
    guard: Rules | None = None


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End: break off what goes on, tell of it, and go."""


class Slots(msgspec.Struct, frozen=True, tag="slots"):
    """Where everything of the plan that is worked on now is counted."""

    version: str
    rows: tuple[Row, ...]


class Done(msgspec.Struct, frozen=True, tag="done"):
    """A run that has ended."""

    run: Run


class Tested(msgspec.Struct, frozen=True, tag="tested"):
    """What came of a test of the plan."""

    result: TestResult


class Latest(msgspec.Struct, frozen=True, tag="latest"):
    """The newest result in a row, of any kind but echoes.

    `changes` counts how often its route became another.
    """

    row: int
    result: Result
    changes: int = 0


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """What came of an `Ask`."""

    id: int
    result: Result


class Health(msgspec.Struct, frozen=True, tag="health", kw_only=True):
    """How the prober is, once a second.

    `sockets` counts the open ones by family and kind, such as `ipv4 raw`; `addresses`
    are those of destinations that became others since it was told last. All others are
    totals since its beginning.
    """

    starved: bool = False
    in_flight: int = 0
    waits: int = 0
    traces_left_out: int = 0
    jobs: dict[str, JobCounts] = {}
    sockets: dict[str, int] = {}
    resolver_failures: int = 0
    resolver_changes: int = 0
    addresses: dict[str, str] = {}


ToProber = Begin | Work | Ask | Stop
FromProber = Slots | Done | Tested | Latest | Answer | Health
