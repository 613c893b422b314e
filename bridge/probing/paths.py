"""Whether a path through the network is another one than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.probing.sightings import UNKNOWN_HOP

if TYPE_CHECKING:
    from collections.abc import Sequence

Path = tuple[str, ...]


def agree(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two paths may be the same: a hop that did not answer may be any."""
    return len(one) == len(other) and all(
        UNKNOWN_HOP in {mine, theirs} or mine == theirs
        for mine, theirs in zip(one, other, strict=True)
    )


def learned(known: Sequence[str], seen: Sequence[str]) -> Path:
    """Return a known path with the hops that one that agrees with it tells besides."""
    return tuple(
        theirs if mine == UNKNOWN_HOP else mine
        for mine, theirs in zip(known, seen, strict=True)
    )


def written(path: Sequence[str]) -> str:
    """Return a path as people read it."""
    return " > ".join(path)


def joined(path: Sequence[str]) -> str:
    """Return a path as one text."""
    return " ".join(path)


def hops(text: str) -> Path:
    """Return the path that `joined` made a text of."""
    return tuple(text.split())
