from __future__ import annotations

import pytest

from runtime import schema
from runtime.settings import PrometheusSource, ScrapeSource, Settings, Target

KEYS = {key.topic: key for key in schema.every_key()}


def test_every_key_is_named_in_three_ways() -> None:
    targets_job = KEYS["sources.scrape.targets.job"]
    assert targets_job.path == "sources[].targets[].job"
    assert targets_job.variable == "EPIMETHEUS__SOURCES__0__TARGETS__0__JOB"
    assert targets_job.section is Target
    level = KEYS["log.level"]
    assert (level.path, level.variable) == ("log.level", "EPIMETHEUS__LOG__LEVEL")


def test_every_key_is_found_once() -> None:
    assert len(KEYS) == len(list(schema.every_key()))


@pytest.mark.parametrize(
    ("topic", "described"),
    [
        ("log.level", "word | debug, info, warning, error |  | info"),
        ("database.url", "database URL |  |  | sqlite:///data/epimetheus.db"),
        ("database.password", "secret |  |  | None"),
        ("database.password_file", "path |  |  | None"),
        ("database.migrate_at_start", "true or false |  |  | True"),
        ("database.cache", "size |  |  | 16MiB"),
        ("exporter.listen", "address |  |  | 127.0.0.1:9105"),
        ("exporter.gzip_level", "whole number |  | from 0 to 9 | 3"),
        ("bridge.max_points", "whole number |  | 100 or more | 1000000"),
        ("sources.scrape.interval", "duration |  | from 1s to 1m | 15s"),
        ("sources.scrape.targets.instance", "text |  |  | None"),
        ("rollup.every", "duration |  | more than 0s | 5s"),
        ("events.endpoint_labels", "text |  |  | [...]"),
        ("exporter.collectors.vmstat.fields", "regular expression |  |  | ..."),
    ],
)
def test_keys_say_what_belongs_there(topic: str, described: str) -> None:
    field = KEYS[topic].field
    default = schema.default(field)
    shown = "[...]" if isinstance(default, list) else default
    shown = "..." if topic.endswith("fields") else shown
    words = ", ".join(schema.choices(field))
    name = schema.written(field).name
    assert f"{name} | {words} | {schema.bounds(field)} | {shown}" == described


def test_sections_tell_their_kind() -> None:
    field = Settings.model_fields["sources"]
    assert schema.sections_in(field.annotation) == (PrometheusSource, ScrapeSource)
    assert schema.kind_of(ScrapeSource) == "scrape"
    assert schema.kind_of(Target) == ""


def test_every_key_is_described_and_required_ones_have_an_example() -> None:
    for key in KEYS.values():
        assert str(key.field.description).endswith("."), key.topic
        if key.field.is_required() and not schema.choices(key.field):
            assert key.field.examples, key.topic


def test_secrets_have_a_file_beside_them() -> None:
    secrets = [key for key in KEYS.values() if schema.is_secret(key.field)]
    assert [key.topic for key in secrets] == [
        "database.password",
        "exporter.token",
        "exporter.prober.key",
        "exporter.otlp.headers",
        "sources.prometheus.bearer_token",
        "sources.scrape.targets.bearer_token",
    ]
    for key in secrets:
        assert f"{key.topic}_file" in KEYS
