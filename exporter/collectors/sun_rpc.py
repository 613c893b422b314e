"""What NFS counts in /proc/net/rpc: lines of a word and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VERSION_2: Final = (
    *("Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache"),
    *("Write", "Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir"),
    *("ReadDir", "FsStat"),
)
"""Procedures of RFC 1094 in the order of their numbers."""

VERSION_3: Final = (
    *("Null", "GetAttr", "SetAttr", "Lookup", "Access", "ReadLink", "Read", "Write"),
    *("Create", "MkDir", "SymLink", "MkNod", "Remove", "RmDir", "Rename", "Link"),
    *("ReadDir", "ReadDirPlus", "FsStat", "FsInfo", "PathConf", "Commit"),
)
"""Procedures of RFC 1813 in the order of their numbers."""


def parse(text: str) -> dict[str, list[str]]:
    """Return the numbers of each line by its word, as they are written."""
    lines = (line.split() for line in text.splitlines())
    return {words[0]: words[1:] for words in lines if words}


def requests(
    told: Mapping[str, Sequence[str]],
    word: str,
    version: str,
    names: Sequence[str],
) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield version and name of each procedure, and how often it was asked for.

    The first number of such a line says how many follow; older kernels know fewer.
    """
    counts = told.get(word, [])[1:]
    if not counts:
        return
    for place, name in enumerate(names):
        if name:
            count = int(counts[place]) if place < len(counts) else 0
            yield (version, name), count
