"""What was said on the command line before the command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """The options of `epimetheus` itself; `config` None means the usual place."""

    config: Path | None
    log_level: str | None
    environ: Mapping[str, str]

    def settings(self) -> Settings:
        """Load the settings and begin to log as they say.

        Raises SettingsError.
        """
        # Loaded here because pydantic would make `--help` slow.
        from runtime import config, logs  # noqa: PLC0415 - see above

        settings = config.load(self.config, self.environ)
        level = {"level": self.log_level} if self.log_level else {}
        log = settings.log.model_copy(update=level)
        logs.configure(log, sys.stderr)
        return settings.model_copy(update={"log": log})


pass_invocation = click.make_pass_decorator(Invocation)
"""Hands a command the `Invocation`."""
