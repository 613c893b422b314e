"""Loads config.yaml: one file, strictly read, all problems reported at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import yaml

from runtime import document, overrides, secret_files
from runtime.problems import SettingsError
from runtime.secret_files import read_secret
from runtime.settings import Settings
from runtime.validation import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = [
    "WRONG_SETTINGS",
    "SettingsError",
    "check",
    "dump",
    "load",
    "read_secret",
]

DEFAULT: Final = Path("config.yaml")
"""The file that is read when none is named and this one is there."""

WRONG_SETTINGS: Final = 2
"""The exit code of a program that cannot use its settings."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file with the environment's overrides.

    Without a path ./config.yaml is read if it is there; otherwise all keys have their
    defaults. Raises SettingsError with every problem.
    """
    problems: list[str] = []
    if path is None and not DEFAULT.exists():
        content = {}
    else:
        content = document.read(path or DEFAULT, problems)
    secret_files.refuse_in_file(content, problems)
    variables = overrides.apply(content, environ, problems)
    secret_files.refuse_twice(content, problems)
    settings = validate(content)
    if isinstance(settings, Settings):
        if not problems:
            return settings
        settings = []
    raise SettingsError(
        [*problems, *(_with_origin(*found, variables) for found in settings)]
    )


def _with_origin(path: str, sentence: str, variables: Mapping[str, str]) -> str:
    """Say which variable a wrong value comes from, if it is not in the file."""
    for set_path, variable in variables.items():
        if path == set_path or path.startswith((f"{set_path}.", f"{set_path}[")):
            return f"{path}: {sentence} (from {variable})"
    return f"{path}: {sentence}"


def check(
    path: Path | None,
    environ: Mapping[str, str],
    out: TextIO,
    sections: Collection[str] = tuple(Settings.model_fields),
    also: Callable[[Settings], object] | None = None,
) -> int:
    """Write whether the settings are valid, or every problem; return the exit code.

    The secret files of the sections are read as well, with the rights of who asks.
    Settings that are valid are given to `also`, which may raise SettingsError.
    """
    name = path or (DEFAULT if DEFAULT.exists() else None)
    problems: list[str] = []
    try:
        settings = load(path, environ)
    except SettingsError as error:
        problems.extend(error.problems)
    else:
        secret_files.refuse_unreadable(
            settings,
            sections,
            problems,
            lambda file: print(f"warning: {file} can be read by everybody", file=out),
        )
        try:
            if also is not None and not problems:
                also(settings)
        except SettingsError as error:
            problems.extend(error.problems)
    for problem in problems:
        print(problem, file=out)
    if not problems:
        valid = f"{name} is valid" if name else "the default settings are valid"
        print(valid, file=out)
    return WRONG_SETTINGS if problems else 0


def dump(settings: Settings) -> str:
    """Return settings as YAML that `load` reads back, with every secret hidden.

    Secrets that are set stand as asterisks, which `load` refuses.
    """
    return yaml.safe_dump(
        settings.model_dump(mode="json"),
        sort_keys=False,
        allow_unicode=True,
        width=88,
    )
