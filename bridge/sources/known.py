"""The series that a source has met: from its labels as bytes to what a block says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.sources.base import SourceError
from bridge.sources.metadata import COUNTER, Description
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
    """Columns over slots; slot numbers are positions in all of them."""

    ids: NDArray[np.int64]
    counter: NDArray[np.bool_]
    target: NDArray[np.int64]
    seen: NDArray[np.int64]
    names: list[str]

    @classmethod
    def nothing(cls) -> _Met:
        none = np.zeros(0, np.int64)
        return cls(none, none.astype(np.bool_), none, none, [])

    def kept(self, keep: NDArray[np.bool_]) -> _Met:
        names = [name for name, stays in zip(self.names, keep, strict=True) if stays]
        return _Met(
            self.ids[keep],
            self.counter[keep],
            self.target[keep],
            self.seen[keep],
            names,
        )

    def extended(self, other: _Met) -> _Met:
        return _Met(
            np.append(self.ids, other.ids),
            np.append(self.counter, other.counter),
            np.append(self.target, other.target),
            np.append(self.seen, other.seen),
            self.names + other.names,
        )


class KnownSeries:
    """Remembers series by their undecoded labels; forgets those that went away.

    `describe` answers a metric's kind, help and unit by its name and labels. All
    methods are for one thread.
    """

    def __init__(
        self,
        resolve: Resolve,
        describe: Callable[[Sequence[dict[str, str]]], list[Description]],
    ) -> None:
        self._resolve = resolve
        self._describe = describe
        self._slots: dict[bytes, int] = {}
        self._met = _Met.nothing()
        self._targets: dict[Target, int] = {}
        self._reading = 0

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The id of the series in each slot."""
        return self._met.ids

    @property
    def counter(self) -> NDArray[np.bool_]:
        """Whether the series in each slot is a counter."""
        return self._met.counter

    @property
    def target(self) -> NDArray[np.int64]:
        """The position in `targets` of the target of the series in each slot."""
        return self._met.target

    @property
    def targets(self) -> Sequence[Target]:
        """The targets that the known series belong to."""
        return tuple(self._targets)

    def slots(self, metrics: Sequence[bytes]) -> NDArray[np.int64]:
        """Return the slots of series by their labels; new ones are resolved at once.

        Raises SourceError for labels that cannot be read, and what `resolve` raises.
        """
        get = self._slots.get
        found = np.fromiter((get(raw, -1) for raw in metrics), np.int64, len(metrics))
        if (found < 0).any():
            missing = dict.fromkeys(raw for raw in metrics if raw not in self._slots)
            self._meet(list(missing))
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

    def _meet(self, raws: Sequence[bytes]) -> None:
        labels = [_decode(raw) for raw in raws]
        described = self._describe(labels)
        facts = [
            SeriesFacts(
                # Interned: a name is that of thousands of series.
                metric=sys.intern(found.get(NAME, "")),
                labels=canonical(found),
                kind=said.kind,
                unit=said.unit,
                help=said.help,
            )
            for found, said in zip(labels, described, strict=True)
        ]
        first = len(self._slots)
        new = _Met(
            ids=np.asarray(self._resolve(facts), np.int64),
            counter=np.array([said.kind == COUNTER for said in described]),
            target=np.array([self._target(found) for found in labels], np.int64),
            seen=np.full(len(raws), self._reading),
            names=[fact.metric for fact in facts],
        )
        self._met = self._met.extended(new)
        self._slots.update(zip(raws, range(first, first + len(raws)), strict=True))

    def _target(self, labels: Mapping[str, str]) -> int:
        target = (labels.get("job", ""), labels.get("instance", ""))
        return self._targets.setdefault(target, len(self._targets))


def _decode(raw: bytes) -> dict[str, str]:
    try:
        return _LABELS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceError("garbage", f"labels cannot be read: {error}") from error
