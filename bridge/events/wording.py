"""How messages name things, so that all detectors say it alike."""

from __future__ import annotations


def target(job: str, instance: str) -> str:
    """Return a scraped target as people know it, whichever of its names are given."""
    if not instance:
        return f"a target of job {job}" if job else "an unnamed target"
    return f"{instance} (job {job})" if job else instance


def sentence(text: str) -> str:
    """Return text on one line, ending in a full stop."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
