"""Unpacks ttar archives: trees of small files as one text that diffs well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def unpack(archive: Path, target: Path) -> None:
    """Write the folders, files and links of the archive below the target."""
    lines = iter(archive.read_bytes().split(b"\n"))
    path = target
    for line in lines:
        key, _, value = line.partition(b": ")
        match key:
            case b"Directory":
                (target / value.decode()).mkdir(parents=True, exist_ok=True)
            case b"Path":
                path = target / value.decode()
                path.parent.mkdir(parents=True, exist_ok=True)
            case b"Lines":
                path.write_bytes(_content([next(lines) for _ in range(int(value))]))
            case b"SymlinkTo":
                path.symlink_to(value.decode())


def _content(lines: list[bytes]) -> bytes:
    text = b"".join(line + b"\n" for line in lines)
    if text.endswith(b"EOF\n") and not text.endswith(b"\\EOF\n"):
        text = text.removesuffix(b"EOF\n")
    text = re.sub(rb"(?<!\\)NULLBYTE", b"\0", text)
    return text.replace(b"\\NULLBYTE", b"NULLBYTE").replace(b"\\EOF", b"EOF")
