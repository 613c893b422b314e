"""Asks a server about its scrapes, and whether series that look new are new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from bridge.sources.base import SourceError, Warnings
from bridge.sources.evidence import newest_scrapes
from bridge.sources.payload import decode_matrix
from bridge.sources.replicas import Up
from bridge.sources.selectors import NAME, parse
from bridge.sources.starts import BACK_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.sources.api import Api
    from bridge.sources.replicas import Replicas, Ups

_UP: Final = parse("up")
_LABELS: Final = msgspec.json.Decoder(dict[str, str])
MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class New:
    """Series that look new, in columns, as `Source.absent` is asked of them.

    `labels` are theirs as the server has them; of a histogram those of a member.
    """

    series_id: NDArray[np.int64]
    earliest_ms: NDArray[np.int64]
    first_ms: NDArray[np.int64]
    labels: Sequence[Mapping[str, str]]

    def only(self, places: NDArray[np.int64]) -> New:
        """Return some of them."""
        return New(
            self.series_id[places],
            self.earliest_ms[places],
            self.first_ms[places],
            [self.labels[place] for place in places.tolist()],
        )


def read_ups(api: Api, end_ms: int, replica_label: str = "") -> Ups:
    """Return the `up` samples of the minute before `end_ms`, and of just before it.

    Raises SourceError.
    """
    low = end_ms - MINUTE_MS - BACK_MS
    matrix = decode_matrix(api.raw(_UP, low, end_ms), Warnings())
    found: dict[tuple[str, str], list[Up]] = {}
    offsets = np.concatenate(([0], np.cumsum(matrix.lengths)))
    for number, raw in enumerate(matrix.metrics):
        labels = labels_of(raw)
        del labels[NAME]
        replica = labels.pop(replica_label, "") if replica_label else ""
        inside = slice(offsets[number], offsets[number + 1])
        up = Up(labels, replica, matrix.times[inside], matrix.values[inside] == 1)
        found.setdefault(target_of(labels), []).append(up)
    return found


def labels_of(raw: bytes) -> dict[str, str]:
    """Read labels as the HTTP API writes them; raises SourceError."""
    try:
        return _LABELS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SourceError("garbage", f"labels cannot be read: {error}") from error


def target_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return the job and the instance of a series."""
    return labels.get("job", ""), labels.get("instance", "")


def absences(
    new: New,
    ups: Ups,
    replicas: Replicas | None,
    *,
    since_ms: int,
    there: Callable[[New], NDArray[np.bool_]],
) -> NDArray[np.int64]:
    """Return what `Source.absent` does.

    `there` is asked of series whose target was scraped without them before what was
    read began: whether they have a sample from then.
    """
    found = [_up_of(labels, ups, replicas) for labels in new.labels]
    scrapes = {id(up): up.times[up.good] for up in found if up is not None}
    keys = [id(up) for up in found]
    newest = newest_scrapes(keys, new.earliest_ms, new.first_ms, scrapes)
    unsure = np.flatnonzero((newest > 0) & (new.earliest_ms < since_ms))
    if len(unsure):
        newest[unsure[there(new.only(unsure))]] = 0
    return newest


def _up_of(labels: Mapping[str, str], ups: Ups, replicas: Replicas | None) -> Up | None:
    """Return the scrapes that a series comes from, None where that is not certain.

    Targets may share job and instance, and then differ in another label.
    """
    target = target_of(labels)
    of = ups.get(target, [])
    if replicas is not None:
        of = [up for up in of if up.replica == replicas.of(target)]
    if len(of) > 1:
        of = [up for up in of if up.labels.items() <= labels.items()]
    return of[0] if len(of) == 1 else None
