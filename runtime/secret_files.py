"""Secrets come from files or from the environment, never from config.yaml."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from runtime import schema
from runtime.problems import SettingsError, join
from runtime.settings import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from pydantic import SecretStr

log = structlog.get_logger(__name__)

_LARGEST: Final = 64 * 1024


def read_secret(value: SecretStr | None, file: Path | None) -> str | None:
    """Return a secret from its setting or from its file, None where neither is set.

    One newline at the end of the file is no part of it. Logs a warning about a file
    that everybody can read. Raises SettingsError when nothing useful can be read.
    """
    if value is not None:
        return value.get_secret_value()
    return None if file is None else _read(file, _warn)


def _warn(file: Path) -> None:
    log.warning("secret file can be read by everybody", file=str(file))


def _read(file: Path, on_open_to_all: Callable[[Path], None]) -> str:
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(file.stat().st_mode)
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError([f"{file}: the secret cannot be read: {reason}"]) from error
    if mode & stat.S_IROTH:
        on_open_to_all(file)
    try:
        secret = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError([f"{file}: the secret is not UTF-8 text"]) from None
    if not secret:
        raise SettingsError([f"{file}: the secret is empty"])
    if len(content) > _LARGEST:
        raise SettingsError([f"{file}: the secret is longer than 64 KiB"])
    if secret.splitlines() != [secret]:
        raise SettingsError([f"{file}: the secret is more than one line"])
    return secret


def refuse_in_file(document: dict[str, Any], problems: list[str]) -> None:
    """Note secrets that are written in config.yaml, and take them out."""
    problems.extend(
        f"{place.path}: secrets are not written in this file; name a file in "
        f"{place.path}_file or set {place.variable}"
        for place in _places(document, (Settings,), "", schema.ENVIRONMENT)
        if place.holder.pop(place.name, None) is not None
    )


def refuse_twice(document: dict[str, Any], problems: list[str]) -> None:
    """Note secrets that are set by the environment and by a file at once."""
    for place in _places(document, (Settings,), "", schema.ENVIRONMENT):
        values = (place.holder.get(place.name), place.holder.get(f"{place.name}_file"))
        if None not in values:
            problems.append(
                f"{place.path}: is set twice, by {place.variable} "
                f"and by {place.path}_file; keep one"
            )


def refuse_unreadable(
    settings: Settings,
    sections: Collection[str],
    problems: list[str],
    on_open_to_all: Callable[[Path], None],
) -> None:
    """Note files of secrets in some sections that cannot be used."""
    for path, file in _files(settings, ""):
        if re.split(r"[.\[]", path)[0] not in sections:
            continue
        try:
            _read(file, on_open_to_all)
        except SettingsError as error:
            problems.extend(f"{path}: {problem}" for problem in error.problems)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a document may hold a secret: a key of a mapping."""

    holder: dict[str, Any]
    name: str
    path: str
    variable: str


def _places(
    value: Any, sections: Sequence[type[Section]], path: str, variable: str
) -> Iterator[_Place]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            inner = f"{variable.removesuffix('__')}__{index}__"
            yield from _places(item, sections, join(path, index), inner)
    if not isinstance(value, dict):
        return
    fields = {n: f for section in sections for n, f in section.model_fields.items()}
    for name, field in fields.items():
        key_path, key_variable = join(path, name), f"{variable}{name.upper()}"
        if schema.is_secret(field):
            yield _Place(value, name, key_path, key_variable)
        elif inner_sections := schema.sections_in(field.annotation):
            yield from _places(
                value.get(name), inner_sections, key_path, f"{key_variable}__"
            )


def _files(value: Any, path: str) -> Iterator[tuple[str, Path]]:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _files(item, join(path, index))
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            inner, key_path = getattr(value, name), join(path, name)
            if schema.is_secret(field):
                file = getattr(value, f"{name}_file")
                if file is not None:
                    yield f"{key_path}_file", file
            else:
                yield from _files(inner, key_path)
