from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog

from exporter.otlp.options import Options, options_of
from runtime.config import SettingsError
from runtime.otlp_settings import Otlp

HERE = "http://127.0.0.1:4318"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}


def options(headers: str | None = None, **environ: str) -> Options:
    """Return what variables say, where the settings are silent but for a receiver."""
    found = options_of(Otlp(endpoint=HERE), environ, headers)
    assert found is not None
    return found


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        options_of(Otlp(), ENDPOINT | environ, None)
    return list(raised.value.problems)


def test_without_a_receiver_nothing_is_pushed() -> None:
    assert options_of(Otlp(interval="5s"), {"OTEL_SERVICE_NAME": "me"}, None) is None


def test_defaults() -> None:
    assert options() == Options(f"{HERE}/v1/metrics")


@pytest.mark.setting("exporter.otlp.endpoint")
@pytest.mark.parametrize(
    ("setting", "own", "common", "url"),
    [
        ("http://a/otlp", "http://b", "http://c", "http://a/otlp/v1/metrics"),
        ("http://a/otlp/", "", "", "http://a/otlp/v1/metrics"),
        (None, "http://b/as/it/is", "http://c", "http://b/as/it/is"),
        (None, "http://b/?tenant=1", "", "http://b/?tenant=1"),
        (None, "", "http://c/", "http://c/v1/metrics"),
        (None, " ", "http://c", "http://c/v1/metrics"),
    ],
)
def test_where_to(setting: str | None, own: str, common: str, url: str) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": own,
        "OTEL_EXPORTER_OTLP_ENDPOINT": common,
    }
    found = options_of(Otlp(endpoint=setting), environ, None)
    assert found is not None
    assert found.url == url


@pytest.mark.setting("exporter.otlp.interval")
def test_how_often() -> None:
    environ = {"OTEL_METRIC_EXPORT_INTERVAL": "15000"}
    assert options(**environ).interval == 15
    found = options_of(Otlp(endpoint=HERE, interval="500ms"), environ, None)
    assert found is not None
    assert found.interval == 0.5


@pytest.mark.setting("exporter.otlp.timeout")
@pytest.mark.parametrize(
    ("setting", "own", "common", "export", "seconds"),
    [
        ("2s", "3000", "4000", "1000", 2),
        (None, "3000", "4000", "", 3),
        (None, "", "4000", "", 4),
        (None, "", "4000", "1000", 1),
        (None, "", "", "30000", 10),
        (None, "", "", "", 10),
    ],
)
def test_how_long(
    setting: Any, own: str, common: str, export: str, seconds: float
) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": own,
        "OTEL_EXPORTER_OTLP_TIMEOUT": common,
        "OTEL_METRIC_EXPORT_TIMEOUT": export,
    }
    found = options_of(Otlp(endpoint=HERE, timeout=setting), environ, None)
    assert found is not None
    assert found.timeout == seconds


def test_headers() -> None:
    own = {"OTEL_EXPORTER_OTLP_METRICS_HEADERS": "b=2"}
    common = {"OTEL_EXPORTER_OTLP_HEADERS": "c=3"}
    assert options("A=1", **own, **common).headers == {"a": "1"}
    assert options(**own, **common).headers == {"b": "2"}
    assert options(**common).headers == {"c": "3"}
    text = "authorization=Bearer%20s3=cret , x-scope=a%2Cb,"
    found = options(text)
    assert found.headers == {"authorization": "Bearer s3=cret", "x-scope": "a,b"}
    assert "s3" not in repr(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("authorization", "item 1 is not key=value"),
        ("a=1,=s3cret", "item 2 is not key=value"),
        ("a=1%0d%0ab: 2", "header 1 is not one of HTTP"),
        ("a b=s3cret", "header 1 is not one of HTTP"),
        ("a=f%C3%BCr", "header 1 is not one of HTTP"),
    ],
)
def test_wrong_headers_are_told_without_their_values(text: str, problem: str) -> None:
    name = "OTEL_EXPORTER_OTLP_HEADERS"
    assert problems({name: text}) == [f"{name}: {problem}"]


@pytest.mark.setting("exporter.otlp.compression")
@pytest.mark.parametrize(
    ("setting", "own", "common", "packed"),
    [
        ("auto", "", "", True),
        ("auto", "none", "gzip", False),
        ("auto", "", "none", False),
        ("gzip", "none", "none", True),
        ("none", "gzip", "", False),
    ],
)
def test_compression(setting: Any, own: str, common: str, *, packed: bool) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": own,
        "OTEL_EXPORTER_OTLP_COMPRESSION": common,
    }
    found = options_of(Otlp(endpoint=HERE, compression=setting), environ, None)
    assert found is not None
    assert found.gzip == packed


def test_certificates(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    environ = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "other.pem"),
        "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": str(file),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(file),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(file),
    }
    found = options(**environ)
    assert found.certificate == found.client_certificate == found.client_key == file
    chosen = Path("/etc/ssl/mine.pem")
    mine = options_of(Otlp(endpoint=HERE, certificate=chosen), environ, None)
    assert mine is not None
    assert mine.certificate == chosen


@pytest.mark.setting("exporter.otlp.resource")
def test_attributes_of_the_resource() -> None:
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=x,a=%E2%82%AC,b=2,c=3",
        "OTEL_SERVICE_NAME": "named",
    }
    settings = Otlp(endpoint=HERE, resource=("b=two", "d=x=y,z"))
    found = options_of(settings, environ, None)
    assert found is not None
    assert found.resource == {
        "service.name": "named",
        "a": "€",
        "b": "two",
        "c": "3",
        "d": "x=y,z",
    }


@pytest.mark.parametrize("text", ["true", "TRUE"])
def test_all_of_opentelemetry_may_be_switched_off(text: str) -> None:
    assert options_of(Otlp(endpoint=HERE), {"OTEL_SDK_DISABLED": text}, None) is None


@pytest.mark.parametrize("text", ["false", "", "1", "yes"])
def test_only_true_switches_it_off(text: str) -> None:
    assert options(OTEL_SDK_DISABLED=text)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    assert problems(
        {
            "OTEL_METRIC_EXPORT_INTERVAL": "1m",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION": "zstd",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": f"{tmp_path}/none",
            "OTEL_RESOURCE_ATTRIBUTES": "a=1,b",
        }
    ) == [
        "OTEL_METRIC_EXPORT_INTERVAL: '1m' is not a whole number of milliseconds",
        "OTEL_EXPORTER_OTLP_TIMEOUT: '0' is not a whole number of milliseconds",
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'zstd' is neither gzip nor none",
        "OTEL_RESOURCE_ATTRIBUTES: item 2, 'b', is not key=value",
        f"OTEL_EXPORTER_OTLP_CERTIFICATE: there is no file {tmp_path}/none",
    ]


@pytest.mark.parametrize("url", ["127.0.0.1:4317", "http://me:pw@here", "http://a b"])
def test_a_wrong_url_is_told_without_what_may_be_a_password(url: str) -> None:
    name = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    reason = "is not an http(s) URL without user information"
    assert problems({name: url}) == [f"{name}: {reason}"]


def test_what_is_not_used_may_be_wrong() -> None:
    environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "soon", "OTEL_METRIC_EXPORT_INTERVAL": "x"}
    settings = Otlp(endpoint=HERE, timeout="1s", interval="1s")
    assert options_of(settings, environ, None) is not None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none.pem", "no such file or directory"), ("empty.pem", "no certificate")],
)
def test_certificates_that_cannot_be_used_end_the_start(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "empty.pem").touch()
    settings = Otlp(endpoint="https://here", certificate=tmp_path / name)
    with pytest.raises(SettingsError) as raised:
        options_of(settings, {}, None)
    (problem,) = raised.value.problems
    assert problem.startswith("exporter.otlp: the certificates cannot be used: ")
    assert reason in problem


def test_another_protocol_is_not_spoken() -> None:
    for protocol, told in (("http/protobuf", []), ("grpc", ["grpc"])):
        with structlog.testing.capture_logs() as logs:
            options(OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        assert [entry["asked"] for entry in logs] == told


def test_an_attribute_of_the_settings_has_a_key() -> None:
    with pytest.raises(ValueError, match="'=x' is not an attribute; write key=value"):
        Otlp(resource=("=x",))
