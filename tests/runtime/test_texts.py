from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from runtime import texts


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("http://127.0.0.1:9090/", "http://127.0.0.1:9090"),
        ("https://example.org/prometheus/", "https://example.org/prometheus"),
        ("http://[::1]:9090/metrics", "http://[::1]:9090/metrics"),
        ("http://h/metrics?collect[]=cpu", "http://h/metrics?collect[]=cpu"),
        ("http://h/metrics?path=/", "http://h/metrics?path=/"),
    ],
)
def test_urls_are_read_without_a_slash_at_the_end(text: str, url: str) -> None:
    assert read(texts.HttpUrl, text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h:9090",
        "ftp://h",
        "http://",
        "http://:80",
        "http://h:99999",
        "http://h:0",
        "http://h:x",
        "http://h/a b",
        "http://h/#x",
        "http://[::1",
        "//h/x",
    ],
)
def test_what_is_no_http_url_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an http\(s\) URL; write for"):
        read(texts.HttpUrl, text)


@pytest.mark.parametrize("text", ["http://me:hunter2@h", "http://hunter2@h/x"])
def test_user_information_in_a_url_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValidationError, match="holds user information") as caught:
        read(texts.HttpUrl, text)
    assert "hunter2" not in str(caught.value.errors()[0]["ctx"]["error"])


def test_the_base_url_of_a_server_has_no_query() -> None:
    assert read(texts.BaseUrl, "http://h/p/") == "http://h/p"
    with pytest.raises(ValidationError, match="has a query; write the URL without"):
        read(texts.BaseUrl, "http://h/p?x=1")


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///data/epimetheus.db",
        "sqlite:////var/lib/epimetheus/epimetheus.db",
        "postgresql://epimetheus@127.0.0.1:5432/epimetheus",
        "postgresql:///epimetheus",
        "postgres://epimetheus@db/epimetheus?sslmode=require",
    ],
)
def test_database_urls_are_taken_as_they_are(text: str) -> None:
    assert read(texts.DatabaseUrl, text) == text


@pytest.mark.parametrize(
    "text", ["", "sqlite://x", "sqlite:///", "mysql://h/x", "postgresql://h", "x.db"]
)
def test_other_databases_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a database URL; write sqlite"):
        read(texts.DatabaseUrl, text)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValidationError, match="a database in memory is another one"):
        read(texts.DatabaseUrl, "sqlite:///:memory:")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@h/x",
        "postgresql://me:hunt/er2@h/x",
        "postgresql://:hunter2@h/x",
        "postgresql://me@h/x?password=hunter2",
    ],
)
def test_a_password_in_a_database_url_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValidationError, match="holds a password; leave it") as caught:
        read(texts.DatabaseUrl, text)
    assert "hunt" not in str(caught.value.errors()[0]["ctx"]["error"])


@pytest.mark.parametrize(
    "text", ["up", '{job="node"}', 'up{a=~"x|y",b!="z"}', '{__name__=~".+"}']
)
def test_selectors_of_series_are_taken_as_they_are(text: str) -> None:
    assert read(texts.Selector, text) == text


@pytest.mark.parametrize("text", ["up{", "", "{}", '{a=~"("}', "1up"])
def test_what_is_not_promql_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a PromQL selector: "):
        read(texts.Selector, text)


@pytest.mark.parametrize(
    "text", ["up[5m]", "up offset 5m", "up @ 3", "rate(up[5m])", "sum(up)", "1", "(up)"]
)
def test_promql_that_is_more_than_a_selector_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a bare PromQL selector; write"):
        read(texts.Selector, text)


@pytest.mark.parametrize("text", ["main", "eu-west_1.node", "x" * 64])
def test_names_are_taken_as_they_are(text: str) -> None:
    assert read(texts.Name, text) == text


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "a\n", "a/b", "\u00e9"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a name; write 1 to 64 letters"):
        read(texts.Name, text)


def test_regular_expressions_are_checked() -> None:
    assert read(texts.Regex, "^(a|b)$") == "^(a|b)$"
    with pytest.raises(ValidationError, match="is not a regular expression: missing"):
        read(texts.Regex, "^(a")


def test_a_path_is_not_empty() -> None:
    assert read(texts.PathText, "data") == Path("data")
    with pytest.raises(ValidationError, match="is empty; write a path, or leave"):
        read(texts.PathText, "")


@pytest.mark.parametrize("text", ["", "^220 .*SMTP", "(?P<name>a+)b", "(a+)+$"])
def test_expressions_over_texts_of_strangers_are_those_of_re2(text: str) -> None:
    assert read(texts.LinearRegex, text) == text


@pytest.mark.parametrize("text", ["(", "(?=a)", r"(a)\1"])
def test_expressions_that_may_take_exponential_time_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a regular expression of RE2: "):
        read(texts.LinearRegex, text)


def test_a_name_may_be_left_to_others() -> None:
    assert read(texts.NameOrNothing, "") == ""
    assert read(texts.NameOrNothing, "tower-1") == "tower-1"
    with pytest.raises(ValidationError, match="'a b' is not a name; write 1 to 64"):
        read(texts.NameOrNothing, "a b")
    with pytest.raises(ValidationError, match=r"'x{57}\.\.\.' is not a name"):
        read(texts.NameOrNothing, "x" * 65)
