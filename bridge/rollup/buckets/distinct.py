"""How many different values there were: HyperLogLog registers that merge.

4,096 registers each keep the longest run of zeros that a hash of a value began with.
The registers of a day are the union of those of its minutes, so that who came in each
minute of a day is counted once (R57). The hash and its seed never change, so that what
was counted years ago merges with today (R58). The estimate is the improved one of O.
Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), which
needs no special case for few values.

A blob is kind, version, 12 (two to which power are registers) and encoding: either
pairs of register (u16) and run (u8) by register, or all 4,096 runs where that is
shorter.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets.packing import VERSION, Kind, alike, check_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from bridge.rollup.rows import Blobs, Floats, Ints

PRECISION: Final = 12
REGISTERS: Final = 1 << PRECISION
ERROR: Final = 1.04 / math.sqrt(REGISTERS)
"""The standard error of an estimate, a share of it: 1.6 %."""

_HEAD: Final = 4
_SPARSE: Final = 0
_DENSE: Final = 1
_BITS: Final = 64 - PRECISION
_SEED: Final = b"epimetheus seed1"
_PAIR: Final = np.dtype([("register", "<u2"), ("run", "u1")])


def hashes(values: Iterable[str]) -> NDArray[np.uint64]:
    """Return the 64-bit hash of each value."""
    return np.array(
        [
            int.from_bytes(
                blake2b(value.encode(), digest_size=8, person=_SEED).digest(), "little"
            )
            for value in values
        ],
        np.uint64,
    )


def sketches(hashed: NDArray[np.uint64], owner: Ints, owners: int) -> list[bytes]:
    """Return a blob for each owner of hashes, also for those that have none."""
    register = (hashed >> np.uint64(_BITS)).astype(np.int64)
    rest = hashed << np.uint64(PRECISION)
    # A float holds 53 bits, so that zeros are counted in two halves of the hash.
    high = (rest >> np.uint64(32)).astype(np.float64)
    low = (rest & np.uint64(0xFFFFFFFF)).astype(np.float64)
    zeros = np.where(high > 0, 32 - np.frexp(high)[1], 64 - np.frexp(low)[1])
    run = np.minimum(zeros, _BITS) + 1
    return _encoded(owner * REGISTERS + register, run.astype(np.int64), owners)


def merge(blobs: Sequence[bytes], owner: Ints, owners: int) -> list[bytes]:
    """Return the union of the blobs of each owner.

    Raises ValueError for a blob of another precision.
    """
    keys: list[Ints] = [np.zeros(0, np.int64)]
    runs: list[Ints] = [np.zeros(0, np.int64)]
    for (encoding, _), places in alike((blob[3], len(blob)) for blob in blobs).items():
        for at in places:
            _check(blobs[at])
        register, run = _decoded([blobs[at] for at in places], encoding)
        keys.append((owner[places][:, None] * REGISTERS + register).ravel())
        runs.append(run.ravel())
    return _encoded(np.concatenate(keys), np.concatenate(runs), owners)


def estimate(blob: bytes) -> float:
    """Return about how many different values there were."""
    _check(blob)
    _, run = _decoded([blob], blob[3])
    tally = np.bincount(run.ravel(), minlength=_BITS + 2).astype(np.float64)
    if blob[3] == _SPARSE:
        tally[0] = REGISTERS - run.size
    total = REGISTERS * _tau(1 - float(tally[_BITS + 1]) / REGISTERS)
    for count in tally[_BITS:0:-1].tolist():
        total = 0.5 * (total + count)
    total += REGISTERS * _sigma(float(tally[0]) / REGISTERS)
    if math.isinf(total):
        return 0.0
    return REGISTERS * REGISTERS / (2 * math.log(2) * total)


def estimates(blobs: Blobs) -> Floats:
    """Return the estimate of each sketch, NaN for what is none."""
    found = np.full(len(blobs), np.nan)
    for place, blob in enumerate(blobs.tolist()):
        if blob is not None and blob[0] == Kind.DISTINCT:
            found[place] = estimate(blob)
    return found


def _check(blob: bytes) -> None:
    check_version(blob, Kind.DISTINCT)
    if blob[2] != PRECISION:
        raise ValueError(f"a sketch of 2^{blob[2]} registers does not merge with ours")


def _decoded(blobs: Sequence[bytes], encoding: int) -> tuple[Ints, Ints]:
    """Return registers and runs of blobs of one length, a row per blob."""
    raw = b"".join(blob[_HEAD:] for blob in blobs)
    if encoding == _DENSE:
        run = np.frombuffer(raw, np.uint8).reshape(len(blobs), REGISTERS)
        register = np.broadcast_to(np.arange(REGISTERS), run.shape)
        return register, run.astype(np.int64)
    pairs = np.frombuffer(raw, _PAIR).reshape(len(blobs), -1)
    return pairs["register"].astype(np.int64), pairs["run"].astype(np.int64)


def _encoded(keys: Ints, runs: Ints, owners: int) -> list[bytes]:
    """Return blobs of the longest run of each register of each owner."""
    order = np.lexsort((runs, keys))
    keys, runs = keys[order], runs[order]
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = keys[1:] != keys[:-1]
    kept = is_last & (runs > 0)
    keys, runs = keys[kept], runs[kept]
    pairs = np.zeros(len(keys), _PAIR)
    pairs["register"], pairs["run"] = keys % REGISTERS, runs
    ends = np.searchsorted(keys, np.arange(owners + 1) * REGISTERS)
    return [
        _blob(pairs[begin:end])
        for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]


def _blob(pairs: NDArray[np.void]) -> bytes:
    if pairs.nbytes < REGISTERS:
        return bytes((Kind.DISTINCT, VERSION, PRECISION, _SPARSE)) + pairs.tobytes()
    runs = np.zeros(REGISTERS, np.uint8)
    runs[pairs["register"]] = pairs["run"]
    return bytes((Kind.DISTINCT, VERSION, PRECISION, _DENSE)) + runs.tobytes()


def _sigma(share: float) -> float:
    """Return Ertl's sum for registers that nothing fell into."""
    if share == 1:
        return math.inf
    power, total, before = 1.0, share, -1.0
    while total != before:
        share *= share
        before = total
        total += share * power
        power += power
    return total


def _tau(share: float) -> float:
    """Return Ertl's sum for registers that are full."""
    if share in {0.0, 1.0}:
        return 0.0
    power, total, before = 1.0, 1 - share, -1.0
    while total != before:
        share = math.sqrt(share)
        before = total
        power *= 0.5
        total -= (1 - share) ** 2 * power
    return total / 3
