"""A probe told step by step, for whoever wonders why it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

_SHOWN: Final = {"accept", "accept-language", "content-type", "host", "user-agent"}
"""Headers whose values are no secret; all others may be."""

_HIDDEN: Final = "<hidden>"


def debug_text(result: Result, module: Probe, metrics: bytes) -> str:
    """Return the log, the metrics and the module's settings without its secrets."""
    lines = "\n".join(f"{seconds:10.6f} {text}" for seconds, text in result.log)
    outcome = "succeeded"
    if not result.succeeded:
        outcome = f"failed, {result.reason}: {result.message}"
    return (
        f"Logs for the probe:\n{lines}\n{result.seconds:10.6f} Probe {outcome}\n\n\n\n"
        f"Metrics that would have been returned:\n{metrics.decode()}\n\n\n"
        f"Module configuration:\n{written(module)}"
    )


def written(module: Probe) -> str:
    """Return what a module has set, as in config.yaml, without its secrets."""
    settings: dict[str, Any] = module.model_dump(mode="json", exclude_defaults=True)
    if "headers" in settings:
        settings["headers"] = [_header(line) for line in settings["headers"]]
    if "body" in settings:
        settings["body"] = _HIDDEN
    for key in ("url", "proxy"):
        if key in settings:
            settings[key] = re.sub(r"//[^/@]*@", f"//{_HIDDEN}@", settings[key])
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _header(line: str) -> str:
    name, _, value = line.partition(":")
    shown = name.strip().lower() in _SHOWN
    return line if shown else f"{name}: {_HIDDEN if value.strip() else ''}"
