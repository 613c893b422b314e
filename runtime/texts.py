"""Names, URLs, patterns and selectors as people write them in config.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import promql_parser
import re2
from pydantic import AfterValidator, BeforeValidator

from runtime.problems import shown
from runtime.quantities import Written


def _path(text: object) -> object:
    if text == "":
        raise ValueError("is empty; write a path, or leave the key out")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", text):
        raise ValueError(
            f"{shown(text)} is not a name; "
            "write 1 to 64 letters, digits and any of _ . -"
        )
    return text


def _name_or_nothing(text: str) -> str:
    return _name(text) if text else text


def _label_name(text: str) -> str:
    if not re.fullmatch(r"([a-zA-Z_][a-zA-Z0-9_]*)?", text):
        raise ValueError(
            f"{text!r} is not a label; write letters, digits and _, beginning with no "
            "digit, for example prometheus_replica"
        )
    return text


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


def _linear_regex(text: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        why = why.decode() if isinstance(why, bytes) else str(why)
        raise ValueError(
            f"{text!r} is not a regular expression of RE2: {why}"
        ) from error
    return text


def _http_url(text: str) -> str:
    if "@" in text:  # what follows may be a password, and is not shown
        raise ValueError(
            "holds user information; leave it out, and use a bearer token "
            "from a file where the server wants one"
        )
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.fragment or re.search(r"\s", text):
        raise ValueError(
            f"{text!r} is not an http(s) URL; write for example http://127.0.0.1:9090"
        )
    return text if parts.query else text.rstrip("/")


def _base_url(text: str) -> str:
    if "?" in text:
        raise ValueError(f"{text!r} has a query; write the URL without it")
    return text


def _database_url(text: str) -> str:
    if re.search(r"://[^@]*:[^@]*@|[?&]password=", text):
        raise ValueError(
            "holds a password; leave it out, and name its file in "
            "database.password_file"
        )
    if text.startswith("sqlite:///:memory:"):
        raise ValueError(
            "a database in memory is another one for each thread; name a file, "
            "for example sqlite:///data/epimetheus.db"
        )
    if not re.fullmatch(r"sqlite:///.+|postgres(ql)?://[^\s/]*/[^\s/?]+(\?\S+)?", text):
        raise ValueError(
            f"{text!r} is not a database URL; write sqlite:///FILE "
            "or postgresql://USER@HOST:PORT/NAME"
        )
    return text


def _selector(text: str) -> str:
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a PromQL selector: {error}") from error
    if not isinstance(tree, promql_parser.VectorSelector) or tree.offset or tree.at:
        raise ValueError(
            f"{text!r} is not a bare PromQL selector; write a name and labels only, "
            'for example node_load1 or {job="node"}'
        )
    return text


PathText = Annotated[
    Path, BeforeValidator(_path), Written("path", "/run/secrets/token")
]
Regex = Annotated[
    str, AfterValidator(_regex), Written("regular expression", "^(eth|wlan)[0-9]+$")
]
LinearRegex = Annotated[
    str, AfterValidator(_linear_regex), Written("regular expression", "^220 .*SMTP")
]
"""An expression of RE2, for texts of strangers: it never takes exponential time."""
HttpUrl = Annotated[
    str, AfterValidator(_http_url), Written("URL", "http://127.0.0.1:9090")
]
BaseUrl = Annotated[HttpUrl, AfterValidator(_base_url)]
Selector = Annotated[
    str, AfterValidator(_selector), Written("PromQL selector", '{job="node"}')
]
DatabaseUrl = Annotated[
    str,
    AfterValidator(_database_url),
    Written("database URL", "sqlite:///data/epimetheus.db"),
]
Name = Annotated[str, AfterValidator(_name), Written("name", "main")]
NameOrNothing = Annotated[str, AfterValidator(_name_or_nothing)]
LabelName = Annotated[
    str, AfterValidator(_label_name), Written("label name", "prometheus_replica")
]
"""A label that needs no quotes in PromQL; may be empty."""
