"""Which version of the bridge this is."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Return the version of the installed package, from its metadata."""
    try:
        return metadata.version("epimetheus")
    except metadata.PackageNotFoundError:
        return "unknown"
