"""The series that a source has met: from its labels as bytes to what a block says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.sources.base import SourceError
from bridge.sources.members import BOUND, Role, bound_of, family_labels
from bridge.sources.metadata import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    SUMMARY,
    Description,
    family_of,
)
from bridge.sources.remote_read_codec import labels_of
from bridge.sources.selectors import NAME
from models.directory import SeriesFacts, canonical

if TYPE_CHECKING:
    from bridge.sources.intervals import Target

Resolve: TypeAlias = Callable[[Sequence[SeriesFacts]], NDArray[np.int64]]
"""Returns the ids of series, creating those that are new."""

_LABELS: Final = msgspec.json.Decoder(dict[str, str])
_SPARE: Final = 10_000
_REMEMBERED: Final = 10


@dataclass(frozen=True, slots=True)
class _Met:
    """Columns over slots; slot numbers are positions in all of them.

    A member of a histogram family has the id of its family.
    """

    ids: NDArray[np.int64]
    counter: NDArray[np.bool_]
    quantile: NDArray[np.bool_]
    role: NDArray[np.int8]
    bound: NDArray[np.float64]
    target: NDArray[np.int64]
    replica: NDArray[np.int64]
    seen: NDArray[np.int64]
    names: NDArray[np.object_]

    @classmethod
    def nothing(cls) -> _Met:
        none = np.zeros(0, np.int64)
        return cls(
            ids=none,
            counter=none.astype(np.bool_),
            quantile=none.astype(np.bool_),
            role=none.astype(np.int8),
            bound=none.astype(np.float64),
            target=none,
            replica=none,
            seen=none,
            names=none.astype(np.object_),
        )

    def kept(self, keep: NDArray[np.bool_]) -> _Met:
        return _Met(*(getattr(self, one.name)[keep] for one in fields(self)))

    def extended(self, other: _Met) -> _Met:
        return _Met(
            *(
                np.append(getattr(self, one.name), getattr(other, one.name))
                for one in fields(self)
            )
        )


class KnownSeries:
    """Remembers series by their undecoded labels; forgets those that went away.

    `describe` answers a metric's kind, help and unit by its name and labels, and the
    role that it has in a histogram. The label `replica_label` is no part of a series,
    '' for no such label. All methods are for one thread.
    """

    def __init__(
        self,
        resolve: Resolve,
        describe: Callable[[Sequence[dict[str, str]]], list[Description]],
        replica_label: str = "",
    ) -> None:
        self._resolve = resolve
        self._describe = describe
        self._slots: dict[bytes, int] = {}
        self._met = _Met.nothing()
        self._targets: dict[Target, int] = {}
        self._replica_label = replica_label
        self._replicas: dict[str, int] = {}
        self._reading = 0
        self.ever: set[str] = set()
        """All names of metrics that were ever met."""

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The id of the series in each slot; of a member that of its family."""
        return self._met.ids

    @property
    def counter(self) -> NDArray[np.bool_]:
        """Whether the series in each slot is a counter, or native and rises as one."""
        return self._met.counter

    @property
    def quantile(self) -> NDArray[np.bool_]:
        """Whether the series in each slot is a quantile of a summary."""
        return self._met.quantile

    @property
    def role(self) -> NDArray[np.int8]:
        """The `Role` of the series in each slot."""
        return self._met.role

    @property
    def bound(self) -> NDArray[np.float64]:
        """The upper bound of the bucket in each slot, 0 where there is none."""
        return self._met.bound

    @property
    def target(self) -> NDArray[np.int64]:
        """The position in `targets` of the target of the series in each slot."""
        return self._met.target

    @property
    def targets(self) -> Sequence[Target]:
        """The targets that the known series belong to."""
        return tuple(self._targets)

    @property
    def replica(self) -> NDArray[np.int64]:
        """The position in `replicas` of the replica of the series in each slot."""
        return self._met.replica

    @property
    def replicas(self) -> Sequence[str]:
        """The replicas that were met; '' is that of series without the label."""
        return tuple(self._replicas)

    @property
    def names(self) -> NDArray[np.object_]:
        """The metric of the series in each slot, of a member its own."""
        return self._met.names

    def places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a slot of each of some known series, or of a member of it."""
        known, slots = np.unique(self._met.ids, return_index=True)
        found: NDArray[np.int64] = slots[np.searchsorted(known, ids)]
        return found

    def labels(self, slots: NDArray[np.int64]) -> list[dict[str, str]]:
        """Return the labels of the series in some slots, the name among them."""
        if not len(slots):
            return []
        raws = list(self._slots)
        found = [_decode(raws[slot]) for slot in slots.tolist()]
        for one in found:
            one.pop(self._replica_label, None)
        return found

    def slots(
        self, metrics: Sequence[bytes], *, native: bool = False
    ) -> NDArray[np.int64]:
        """Return the slots of series by their labels; new ones are resolved at once.

        `native` says that they hold native histograms, of which labels tell nothing.
        Raises SourceError for labels that cannot be read, and what `resolve` raises.
        """
        known = map(self._slots.get, metrics, repeat(-1))
        found = np.fromiter(known, np.int64, len(metrics))
        if (found < 0).any():
            missing = dict.fromkeys(raw for raw in metrics if raw not in self._slots)
            self._meet(list(missing), native=native)
            found = np.fromiter(map(self._slots.__getitem__, metrics), np.int64)
        self._met.seen[found] = self._reading
        return found

    def finish_reading(self) -> None:
        """Hear that a window has been read; forget what was not there for long.

        Memory stays within about twice what a window holds, whatever comes and goes.
        """
        live = int(np.count_nonzero(self._met.seen == self._reading))
        if len(self._slots) > 2 * live + _SPARE:
            self._keep(self._met.seen > self._reading - _REMEMBERED)
        self._reading += 1

    def forget(self, is_stale: Callable[[str], bool]) -> None:
        """Forget the series of metrics, so that they are described anew."""
        stale = {name: is_stale(name) for name in set(self._met.names)}
        if any(stale.values()):
            self._keep(np.array([not stale[name] for name in self._met.names]))

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        self._met = self._met.kept(keep)
        raws = (raw for raw, stays in zip(self._slots, keep, strict=True) if stays)
        self._slots = {raw: slot for slot, raw in enumerate(raws)}
        used = dict.fromkeys(self._met.target.tolist())
        names = list(self._targets)
        codes = {old: new for new, old in enumerate(used)}
        self._targets = {names[old]: new for old, new in codes.items()}
        self._met.target[:] = [codes[old] for old in self._met.target.tolist()]

    def _meet(self, raws: Sequence[bytes], *, native: bool) -> None:
        labels = [_decode(raw) for raw in raws]
        replicas = [self._replica(found) for found in labels]
        described = self._describe(labels)
        if native:
            described = [_as_native(said) for said in described]
        facts = [
            facts_of(found.get(NAME, ""), found, said)
            for found, said in zip(labels, described, strict=True)
        ]
        first = len(self._slots)
        rising = {COUNTER, HISTOGRAM} if native else {COUNTER}
        roles = [said.role for said in described]
        # Interned: a name is that of thousands of series.
        names = [sys.intern(found.get(NAME, "")) for found in labels]
        self.ever.update(names)
        new = _Met(
            ids=np.asarray(self._resolve(facts), np.int64),
            counter=np.array([said.kind in rising for said in described]),
            quantile=np.array([said.kind == SUMMARY for said in described]),
            role=np.array(roles, np.int8),
            bound=np.array([*map(part_bound, labels, roles)], np.float64),
            target=np.array([self._target(found) for found in labels], np.int64),
            replica=np.array(replicas, np.int64),
            seen=np.full(len(raws), self._reading),
            names=np.array(names, np.object_),
        )
        self._met = self._met.extended(new)
        self._slots.update(zip(raws, range(first, first + len(raws)), strict=True))

    def _replica(self, labels: dict[str, str]) -> int:
        """Take the replica off the labels of a series; return its code."""
        label = self._replica_label
        replica = labels.pop(label, "") if label else ""
        return self._replicas.setdefault(replica, len(self._replicas))

    def _target(self, labels: Mapping[str, str]) -> int:
        target = (labels.get("job", ""), labels.get("instance", ""))
        return self._targets.setdefault(target, len(self._targets))


def facts_of(metric: str, labels: Mapping[str, str], said: Description) -> SeriesFacts:
    """Return what is stored of a series, or of the family that it is a member of."""
    return SeriesFacts(
        metric=sys.intern(family_of(metric, said.role)),
        labels=canonical(family_labels(labels, said.role)),
        kind=said.kind,
        unit=said.unit,
        help=said.help,
    )


def part_bound(labels: Mapping[str, str], role: Role) -> float:
    """Return the upper bound of a bucket, 0 for what is none."""
    bound = bound_of(labels[BOUND]) if role is Role.BUCKET else None
    return bound or 0.0


def _as_native(said: Description) -> Description:
    """Describe a native histogram; what is said to be a gauge may fall at any time."""
    kind = GAUGE if said.kind == GAUGE else HISTOGRAM
    return Description(kind, said.help, said.unit)


def _decode(raw: bytes) -> dict[str, str]:
    """Read labels as the HTTP API writes them, or as remote read does."""
    if raw[:1] != b"{":
        return labels_of(raw)
    try:
        return _LABELS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceError("garbage", f"labels cannot be read: {error}") from error
