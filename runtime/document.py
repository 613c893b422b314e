"""config.yaml as nested dicts and lists, read strictly.

Plain words mean what they do in YAML 1.2: `no`, `on`, `12:30`, `010` do not surprise.
Keys that are given twice, keys that are no words and tags are refused, with their line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from runtime.problems import SettingsError, join, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PREFIX: Final = "tag:yaml.org,2002:"
_PLAIN: Final = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
)
"""What makes a plain word something else than text: tag, pattern, first letters."""

_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    f"{_PREFIX}bool": lambda text: text.lower() == "true",
    f"{_PREFIX}null": lambda _text: None,
    f"{_PREFIX}int": int,
    f"{_PREFIX}float": float,
    f"{_PREFIX}str": str,
}
_REFUSED: Final = object()

_SENTENCES: Final = (
    (r"'\t' that cannot start", "a tab is no indentation; use spaces"),
    ("that cannot start any token", "a text that begins with this sign needs quotes"),
    (
        "mapping values are not allowed",
        "a colon is out of place; check the indentation",
    ),
    ("unknown escape character", "a backslash needs single quotes around the text"),
    ("expected <block end>", "the indentation does not fit the lines above"),
    ("could not find expected ':'", "a key is not followed by a colon and a space"),
    ("expected the node content", "a bracket before this is never closed"),
    ("but found another document", "a second document begins; keep one"),
)
"""What PyYAML says, and what people understand."""

_BEGUN: Final = (
    ("found unexpected end of stream", "the quote that begins here is never closed"),
    ("expected ',' or", "the bracket that begins here is never closed"),
)
"""The same, where the place that helps is where it began."""


class _Loader(yaml.SafeLoader):
    """SafeLoader whose plain words are those of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(
        f"{_PREFIX}{_tag}", re.compile(f"(?:{_pattern})$"), list(_first)
    )


def read(path: Path, problems: list[str]) -> dict[str, Any]:
    """Return what a file holds, {} if nothing, and note what is wrong with it.

    Raises SettingsError when nothing can be read from it.
    """
    value = parse(_text(path), str(path), problems)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(
            [f"{path}: holds {shown(value)}; write sections such as `log:`"]
        )
    return value


def parse(text: str, name: str, problems: list[str]) -> Any:
    """Return the value of a YAML text and note keys and tags that are refused.

    Raises SettingsError with line and column where it is no YAML.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise SettingsError([f"{name}: {_syntax(text, error)}"]) from error
    return None if node is None else _Walk(name, problems).value(node, "", ())


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError([f"{path}: does not exist"]) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError([f"{path}: cannot be read: {reason}"]) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{path}: line {line}: is not UTF-8 text"]) from error


def _syntax(text: str, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: holds the control character {error.character:#04x}"
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    for said, sentence in _SENTENCES:
        if said in problem:
            problem = sentence
            break
    for said, sentence in _BEGUN:
        if said in problem:
            problem, mark = sentence, getattr(error, "context_mark", None) or mark
            break
    if mark is None:
        return problem
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


class _Walk:
    """Turns nodes into values and notes what is refused, with path and line."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self._name = name
        self._problems = problems

    def value(self, node: Node, path: str, above: tuple[Node, ...]) -> Any:
        if node in above:
            return self._refuse(node, path, "refers to itself")
        match node:
            case MappingNode():
                return self._mapping(node, path, above)
            case SequenceNode():
                items = (
                    self.value(item, join(path, index), (*above, node))
                    for index, item in enumerate(node.value)
                )
                return [item for item in items if item is not _REFUSED]
            case ScalarNode(tag=tag) if tag in _SCALARS:
                return self._scalar(node, path)
        return self._refuse(node, path, f"has the tag {node.tag}; leave it out")

    def _scalar(self, node: ScalarNode, path: str) -> Any:
        try:
            return _SCALARS[node.tag](node.value)
        except ValueError:
            return self._refuse(node, path, "does not fit its tag; leave the tag out")

    def _mapping(
        self, node: MappingNode, path: str, above: tuple[Node, ...]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if key.tag != f"{_PREFIX}str" or not isinstance(key, ScalarNode):
                self._refuse(key, path, "has a key that is no text; put it in quotes")
                continue
            inner = join(path, key.value)
            if key.value in lines:
                self._problems.append(
                    f"{inner}: is given twice, in lines {lines[key.value]} and {line}"
                )
                continue
            lines[key.value] = line
            value = self.value(child, inner, (*above, node))
            if value is not _REFUSED:
                found[key.value] = value
        return found

    def _refuse(self, node: Node, path: str, what: str) -> object:
        where = f"line {node.start_mark.line + 1}"
        self._problems.append(f"{path or self._name}: {what} ({where})")
        return _REFUSED
