from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime import config, schema
from runtime.config import SettingsError, load
from runtime.quantities import Address
from runtime.settings import PrometheusSource, ScrapeSource, Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.yaml"
SECRETS = {
    "EPIMETHEUS__DATABASE__PASSWORD": "hunter2",
    "EPIMETHEUS__EXPORTER__TOKEN": "hunter2",
    "EPIMETHEUS__SOURCES__0__TARGETS__0__BEARER_TOKEN": "hunter2",
    "EPIMETHEUS__SOURCES__1__NAME": "main",
    "EPIMETHEUS__SOURCES__1__KIND": "prometheus",
    "EPIMETHEUS__SOURCES__1__URL": "http://127.0.0.1:9090",
    "EPIMETHEUS__SOURCES__1__BEARER_TOKEN": "hunter2",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.yaml"


def problems(path: Path | None, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path, {f"EPIMETHEUS__{k}": v for k, v in environ.items()})
    return list(caught.value.problems)


def check(path: Path | None, environ: dict[str, str]) -> tuple[int, str]:
    out = io.StringIO()
    return config.check(path, environ, out), out.getvalue()


def test_without_a_file_all_keys_have_their_defaults(file: Path) -> None:
    assert not file.exists()
    assert load(None, {}) == Settings()


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "log:\nexporter:\n  paths:\n"]
)
def test_a_file_whose_keys_are_all_commented_out_is_all_defaults(
    file: Path, text: str
) -> None:
    file.write_text(text)
    assert load(file, {}) == Settings()


def test_the_file_in_the_working_directory_is_read_when_none_is_named(
    file: Path,
) -> None:
    file.write_text("log: {level: debug}\n")
    assert load(None, {}).log.level == "debug"


def test_a_file_that_is_named_must_exist(file: Path) -> None:
    assert problems(Path("other.yaml")) == ["other.yaml: does not exist"]
    assert problems(file.parent) == [f"{file.parent}: cannot be read: is a directory"]


def test_a_byte_order_mark_is_no_part_of_the_text(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbflog: {level: debug}\n")
    assert load(file, {}).log.level == "debug"


def test_values_are_read_into_their_types(file: Path) -> None:
    file.write_text(
        """
        database: {busy_timeout: 1m30s, cache: 1GiB, password_file: secret}
        exporter: {listen: "[::1]:9100", collectors: {cpu: {enabled: false}}}
        rollup: {catch_up: 010}
        """
    )
    settings = load(file, {})
    assert settings.database.busy_timeout == 90.0
    assert settings.database.cache == 2**30
    assert settings.database.password_file == Path("secret")
    assert settings.exporter.listen == Address("::1", 9100)
    assert settings.exporter.collectors.cpu.enabled is False
    assert settings.rollup.catch_up == 10


@pytest.mark.setting("sources.prometheus.kind")
@pytest.mark.setting("sources.scrape.kind")
def test_the_kind_of_a_source_chooses_its_keys(file: Path) -> None:
    file.write_text(
        """
        sources:
          - {name: main, kind: prometheus, url: "http://h:9090/", timeout: 1s}
          - {name: direct, kind: scrape, targets: [{url: "http://h:9105/metrics"}]}
        """
    )
    main, direct = load(file, {}).sources
    assert isinstance(main, PrometheusSource)
    assert (main.name, main.url, main.timeout) == ("main", "http://h:9090", 1.0)
    assert isinstance(direct, ScrapeSource)
    assert [target.url for target in direct.targets] == ["http://h:9105/metrics"]


def test_sources_may_be_none(file: Path) -> None:
    file.write_text("sources: []\n")
    assert load(file, {}).sources == ()


def test_the_environment_wins_over_the_file(file: Path) -> None:
    file.write_text("log: {level: debug, format: json}\n")
    settings = load(file, {"EPIMETHEUS__LOG__LEVEL": "error", "HOME": "/root"})
    assert (settings.log.level, settings.log.format) == ("error", "json")


def test_a_wrong_value_from_the_environment_names_its_variable(file: Path) -> None:
    file.write_text("log: {format: xml}\n")
    assert problems(file, LOG__LEVEL="loud", ROLLUP__SETTLE="15", LOG__LEVLE="x") == [
        "EPIMETHEUS__LOG__LEVLE: names no key; did you mean EPIMETHEUS__LOG__LEVEL?",
        (
            "log.level: 'loud' is not allowed; use debug, info, warning or error "
            "(from EPIMETHEUS__LOG__LEVEL)"
        ),
        "log.format: 'xml' is not allowed; use auto, text or json",
        (
            "rollup.settle: '15' is not a duration; write a number with a unit "
            "(ms, s, m, h, d, w, y), for example 15s or 1h30m "
            "(from EPIMETHEUS__ROLLUP__SETTLE)"
        ),
    ]


def test_a_wrong_key_within_a_section_from_the_environment_names_its_variable() -> None:
    assert problems(None, LOG="{level: loud}") == [
        (
            "log.level: 'loud' is not allowed; use debug, info, warning or error "
            "(from EPIMETHEUS__LOG)"
        ),
    ]


def test_problems_of_the_reading_hide_none_of_the_values(file: Path) -> None:
    file.write_text("log: {level: loud, level: info}\nrollup: {every: 1}\n")
    assert problems(file, COLOUR="green") == [
        "log.level: is given twice, in lines 1 and 1",
        "EPIMETHEUS__COLOUR: names no key",
        "log.level: 'loud' is not allowed; use debug, info, warning or error",
        (
            "rollup.every: 1 is not a duration; write a number with a unit "
            "(ms, s, m, h, d, w, y), for example 15s or 1h30m"
        ),
    ]


def test_secrets_come_from_the_environment() -> None:
    settings = load(None, SECRETS)
    local, main = settings.sources
    assert isinstance(local, ScrapeSource)
    assert isinstance(main, PrometheusSource)
    secrets = (
        settings.database.password,
        settings.exporter.token,
        local.targets[0].bearer_token,
        main.bearer_token,
    )
    assert [s.get_secret_value() for s in secrets if s] == ["hunter2"] * 4


def test_a_secret_is_set_one_way(file: Path) -> None:
    file.write_text("exporter: {token_file: t}\ndatabase: {password_file: p}\n")
    assert problems(file, EXPORTER__TOKEN="x") == [  # noqa: S106 - of this test only
        (
            "exporter.token: is set twice, by EPIMETHEUS__EXPORTER__TOKEN "
            "and by exporter.token_file; keep one"
        )
    ]


def test_secrets_without_a_value_may_stand_in_the_file(file: Path) -> None:
    file.write_text("exporter: {token: null}\ndatabase:\n  password:\n")
    assert load(file, {}) == Settings()


def test_problems_show_no_secret(file: Path) -> None:
    file.write_text(
        """
        database: {url: "postgresql://me:hunter2@db/x", password: hunter2}
        exporter: {token: [hunter2]}
        sources:
          - name: a
            kind: prometheus
            url: http://u:hunter2@h
            bearer_token: hunter2
          - {name: b, kind: prometheus, url: "http://u:hunt/er2@h"}
        """
    )
    said = problems(file, LOG__LEVEL="loud")
    assert len(said) == 7
    assert not any("hunt" in problem for problem in said)


def test_a_dump_is_read_back_as_the_same_settings(file: Path) -> None:
    for settings in (Settings(), load(EXAMPLE, {})):
        file.write_text(config.dump(settings))
        assert load(file, {}) == settings


def test_a_dump_shows_every_key_and_no_secret() -> None:
    text = config.dump(load(None, SECRETS))
    assert "hunter2" not in text
    assert text.count("'**********'") == 4
    shown = yaml.safe_load(text)
    for key in schema.every_key():
        at: Any = shown
        kinds = {"prometheus": 1, "scrape": 0}
        for step in key.path.split("."):
            at = at[step.removesuffix("[]")]
            if step == "sources[]":
                at = at[kinds[key.topic.split(".")[1]]]
            elif step.endswith("[]") and not at:
                break  # a list that may be empty, and is
            elif step.endswith("[]"):
                at = at[0]
        assert at is not None or schema.is_optional(key.field)


def test_settings_show_no_secret_when_printed() -> None:
    settings = load(None, SECRETS)
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_a_valid_file_is_said_to_be_valid(file: Path) -> None:
    assert check(None, {}) == (0, "the default settings are valid\n")
    file.write_text("log: {level: debug}\n")
    assert check(None, {}) == (0, "config.yaml is valid\n")
    assert check(file, {}) == (0, f"{file} is valid\n")


def test_every_problem_of_a_file_is_printed(file: Path) -> None:
    file.write_text("log: {level: loud}\nrollup: {catch_up: 0}\n")
    assert check(None, {}) == (
        2,
        (
            "log.level: 'loud' is not allowed; use debug, info, warning or error\n"
            "rollup.catch_up: 0 is out of range; write a whole number, from 1 to 1440\n"
        ),
    )


def test_a_check_reads_the_files_of_secrets(file: Path) -> None:
    file.write_text(
        """
        database: {password_file: password}
        exporter: {token_file: token}
        sources:
          - name: local
            kind: scrape
            targets:
              - url: http://127.0.0.1:9105/metrics
                bearer_token_file: empty
        """
    )
    file.with_name("empty").touch(mode=0o600)
    file.with_name("token").write_text("hunter2\n")
    file.with_name("token").chmod(0o604)
    assert check(None, {}) == (
        2,
        (
            "warning: token can be read by everybody\n"
            "database.password_file: password: the secret cannot be read: "
            "no such file or directory\n"
            "sources[0].targets[0].bearer_token_file: empty: the secret is empty\n"
        ),
    )
    assert check(None, {}) != (0, "")
    out = io.StringIO()
    assert config.check(None, {}, out, sections=("exporter",)) == 0
    assert out.getvalue() == (
        "warning: token can be read by everybody\nconfig.yaml is valid\n"
    )


def test_settings_that_are_valid_may_be_looked_at_further() -> None:
    def refuse(settings: Settings) -> None:
        raise SettingsError([f"{settings.log.level} will not do"])

    out = io.StringIO()
    assert config.check(None, {}, out, also=refuse) == 2
    assert out.getvalue() == "info will not do\n"
    wrong = {"EPIMETHEUS__LOG__LEVEL": "loud"}
    out = io.StringIO()
    assert config.check(None, wrong, out, also=refuse) == 2
    assert "will not do" not in out.getvalue()


def test_the_shipped_file_holds_every_default() -> None:
    assert load(EXAMPLE, {}) == Settings()
    written = yaml.safe_load(EXAMPLE.read_text())
    shown = yaml.safe_load(config.dump(Settings()))
    assert written == without_nulls(shown)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def test_the_shipped_file_has_a_whole_prometheus_source_to_uncomment(
    file: Path,
) -> None:
    text = EXAMPLE.read_text()
    before, hidden, after = re.split(r"(?ms)^(  ##.*?)^$", text, maxsplit=1)
    file.write_text(before + re.sub(r"(?m)^  #", "  ", hidden) + after)
    local, main = load(file, {}).sources
    assert local == Settings().sources[0]
    assert main == PrometheusSource(
        name="main", kind="prometheus", url="http://127.0.0.1:9090"
    )


def test_the_shipped_file_shows_every_key() -> None:
    text = EXAMPLE.read_text()
    for top in Settings.model_fields:
        section = re.search(rf"(?ms)^{top}:[^\n]*\n(.*?)(^\w|\Z)", text)
        assert section is not None
        names = re.findall(r"(?m)^[ #-]*(\w+):(?: |$)", section[1])
        expected = [k.name for k in schema.every_key() if k.path.startswith(top)]
        assert set(expected) <= set(names)
