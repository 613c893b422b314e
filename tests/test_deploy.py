"""What starts the programs elsewhere: compose.yaml, systemd units, the Procfile."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime import config
from runtime.settings import PrometheusSource, ScrapeSource, Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOTENV = dict(
    line.split("=", 1)
    for line in (ROOT / ".env").read_text().splitlines()
    if line and not line.startswith("#")
)
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def interpolate(text: str, values: dict[str, str]) -> str:
    return re.sub(
        r"\$\{(\w+):-([^}]*)\}", lambda found: values.get(found[1]) or found[2], text
    )


def settings_of(service: str, **values: str) -> Settings:
    environment = {
        key: interpolate(text, values)
        for key, text in SERVICES[service]["environment"].items()
    }
    return config.load(None, environment)


def started(profile: str) -> set[str]:
    return {
        name
        for name, service in SERVICES.items()
        if not service.get("profiles") or profile in service["profiles"]
    }


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keep the case
    parser.read(path)
    return parser


@pytest.fixture(autouse=True)
def _without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("sqlite", {"exporter", "bridge", "prometheus", "grafana"}),
        (
            "postgresql",
            {
                *("exporter", "bridge-postgresql", "prometheus", "grafana"),
                *("postgresql", "password"),
            },
        ),
    ],
)
def test_a_profile_starts_one_bridge(profile: str, services: set[str]) -> None:
    assert started(profile) == services


def test_sqlite_is_started_unless_asked_otherwise() -> None:
    assert DOTENV["COMPOSE_PROFILES"] == "sqlite"


def test_the_variables_of_dotenv_are_the_defaults_of_compose() -> None:
    text = (ROOT / "compose.yaml").read_text()

    assert dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text)) == {
        name: value for name, value in DOTENV.items() if name != "COMPOSE_PROFILES"
    }


def test_nothing_can_be_reached_from_other_hosts() -> None:
    prometheus, grafana = SERVICES["prometheus"], SERVICES["grafana"]
    listens = [each for each in prometheus["command"] if "listen-address" in each]

    for name in ("exporter", "bridge", "bridge-postgresql"):
        settings = settings_of(name)
        assert settings.exporter.listen.is_loopback
        assert settings.bridge.listen.is_loopback
    assert listens == ["--web.listen-address=127.0.0.1:${PROMETHEUS_PORT:-9090}"]
    assert grafana["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_nobody_is_an_administrator_of_grafana() -> None:
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_our_programs_may_do_nothing_special() -> None:
    for name in ("exporter", "bridge", "bridge-postgresql", "password"):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service


def test_the_exporter_measures_the_host() -> None:
    exporter = SERVICES["exporter"]
    rootfs = settings_of("exporter").exporter.paths.rootfs

    assert (exporter["network_mode"], exporter["pid"]) == ("host", "host")
    assert exporter["volumes"][0] == f"/:{rootfs}:ro,rslave"
    assert exporter["environment"]["HEALTH_URL"] == (
        f"{Settings().exporter.listen.url}/-/healthy"
    )


def test_the_exporter_is_an_agent_of_the_bridge_beside_it() -> None:
    prober = settings_of("exporter").exporter.prober
    kept = SERVICES["exporter"]["volumes"][1]

    assert prober.bridge == Settings().bridge.listen.url
    assert kept == "exporter:/data"
    assert prober.state.is_relative_to("/data")


@pytest.mark.parametrize("service", ["bridge", "bridge-postgresql"])
def test_the_bridge_reads_prometheus_where_it_listens(service: str) -> None:
    (source,) = settings_of(service, PROMETHEUS_PORT="9191").sources

    assert isinstance(source, PrometheusSource)
    assert source.url == "http://127.0.0.1:9191"


def test_the_bridge_finds_postgresql_and_its_password() -> None:
    database = settings_of("bridge-postgresql", POSTGRESQL_PORT="54321").database
    postgresql = SERVICES["postgresql"]
    environment = postgresql["environment"]

    assert database.url == "postgresql://epimetheus@127.0.0.1:54321/epimetheus"
    assert environment["POSTGRES_USER"] == environment["POSTGRES_DB"] == "epimetheus"
    assert environment["POSTGRES_PASSWORD_FILE"] == str(database.password_file)
    for name in ("postgresql", "bridge-postgresql"):
        assert "password:/run/password:ro" in SERVICES[name]["volumes"]


def test_a_password_is_made_once(tmp_path: Path) -> None:
    *shell, script = SERVICES["password"]["command"]
    command = [*shell, script.replace("/data", str(tmp_path))]

    subprocess.run(command, check=True)
    first = (tmp_path / "postgresql").read_text()
    subprocess.run(command, check=True)

    assert (tmp_path / "postgresql").read_text() == first
    assert len(first.strip()) == 32
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_images_of_others_are_named_by_release() -> None:
    for service in SERVICES.values():
        if "build" not in service:
            assert re.search(r":v?\d+[.\w-]*$", service["image"])


def test_what_is_mounted_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            elif not source.startswith("/"):
                assert source in COMPOSE["volumes"]


def test_promtool_accepts_the_configuration_of_prometheus(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "prometheus.yml").read_text()
    rules = ROOT / "grafana" / "rules"
    path = tmp_path / "prometheus.yml"
    path.write_text(text.replace("/etc/prometheus/rules", str(rules)))
    ran = subprocess.run(
        ["promtool", "check", "config", path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert (
        "./grafana/rules:/etc/prometheus/rules:ro"
        in (SERVICES["prometheus"]["volumes"])
    )


def test_prometheus_scrapes_both_programs_where_they_listen() -> None:
    scraped = {
        job["job_name"]: [
            target for static in job["static_configs"] for target in static["targets"]
        ]
        for job in yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())[
            "scrape_configs"
        ]
    }
    settings = Settings()
    (embedded,) = settings.sources

    assert scraped == {
        "node": [str(settings.exporter.listen)],
        "epimetheus": [str(settings.bridge.listen)],
    }
    assert isinstance(embedded, ScrapeSource)
    assert embedded.targets[0].job in scraped


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_commands_that_exist(path: Path) -> None:
    program, option, settings, *rest = shlex.split(unit(path)["Service"]["ExecStart"])

    assert Path(program).name in SCRIPTS
    assert (option, settings) == ("--config", "/etc/epimetheus/config.yaml")
    assert rest == (["serve"] if path.stem == "epimetheus" else [])


def test_the_bridge_as_a_unit_keeps_its_data_in_its_own_directory() -> None:
    service = unit(ROOT / "deploy" / "systemd" / "epimetheus.service")["Service"]

    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert not Settings().bridge.state.is_absolute()


def test_the_exporter_as_a_unit_sees_the_filesystems_as_they_are() -> None:
    service = unit(ROOT / "deploy" / "systemd" / "epimetheus-exporter.service")[
        "Service"
    ]

    for hides in ("DynamicUser", "PrivateTmp", "ProtectHome", "ProtectSystem"):
        assert hides not in service


def test_the_exporter_as_a_unit_may_send_echo_requests_and_no_more() -> None:
    parsed = unit(ROOT / "deploy" / "systemd" / "epimetheus-exporter.service")
    service = parsed["Service"]
    key, _, state = service["Environment"].partition("=")

    assert service["AmbientCapabilities"] == "CAP_NET_RAW"
    assert service["CapabilityBoundingSet"] == "CAP_NET_RAW"
    assert config.load(None, {key: state}).exporter.prober.state == Path(
        f"/var/lib/{service['StateDirectory']}"
    )


def test_the_procfile_starts_both_programs() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    agent = f"EPIMETHEUS__EXPORTER__PROBER__BRIDGE={Settings().bridge.listen.url}"

    assert [line.split(": ") for line in lines] == [
        ["exporter", f"env {agent} epimetheus-exporter"],
        ["bridge", "epimetheus serve"],
    ]
