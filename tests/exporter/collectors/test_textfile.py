from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import structlog.testing

from exporter.collectors.base import Host, Metric
from exporter.collectors.textfile import Textfile, yield_to_others
from exporter.registry import Registry
from exporter.render import openmetrics_renderer, text_renderer
from runtime.clock import SystemClock
from runtime.settings import TextfileCollector
from tests.exporter.exposition import Read, parse, values
from tests.exporter.recorded import RECORDED

if TYPE_CHECKING:
    from pathlib import Path

CASES = RECORDED / "textfile"


def _collector(host: Host, *directories: Path | str) -> Textfile:
    options = TextfileCollector(directories=tuple(map(str, directories)))
    return Textfile(host, options)


def _read(collector: Textfile) -> dict[str, Read]:
    return parse(text_renderer().render(collector.collect()).decode())


def _expected(path: Path) -> dict[str, Read]:
    text = path.read_text(encoding="utf-8")
    return parse(text.replace("fixtures/textfile/", f"{CASES}/"))


def _steady(found: dict[str, Read]) -> dict[str, Read]:
    if times := found.get("node_textfile_mtime_seconds"):
        times.samples = dict.fromkeys(times.samples, 1.0)
    return found


@pytest.mark.parametrize("name", [path.stem for path in sorted(CASES.glob("*.out"))])
def test_files_are_exposed_as_node_exporter_does(host: Host, name: str) -> None:
    pattern = "*_extra_dimension" if name == "glob_extra_dimension" else name
    found = _read(_collector(host, CASES / pattern))
    assert _steady(found) == _expected(CASES / f"{name}.out")


@pytest.mark.setting("exporter.collectors.textfile.directories")
def test_several_directories_are_read(host: Host, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.prom").write_text(f'up{{in="{name}"}} 1\n')
    found = _read(_collector(host, tmp_path / "b", tmp_path / "a"))
    assert set(found["up"].samples) == {(("in", "a"),), (("in", "b"),)}
    matched = _read(_collector(host, tmp_path / "?"))
    assert matched["up"].samples == found["up"].samples


def test_without_a_directory_nothing_is_wrong(host: Host) -> None:
    assert values(_collector(host).collect()) == {"node_textfile_scrape_error": {(): 0}}


def test_times_are_those_of_the_files(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    path.write_text("up 1\n")
    os.utime(path, (1, 1234.5))
    found = values(_collector(host, tmp_path).collect())
    assert found["node_textfile_mtime_seconds"] == {(str(path),): 1234.5}


def test_a_file_is_read_again_when_it_has_changed(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    path.write_text("up 1\n")
    collector = _collector(host, tmp_path)
    before = collector.collect()[0]
    assert collector.collect()[0] is before
    path.write_text("up 20\n")
    after = collector.collect()[0]
    assert (after.metric, after.samples) == (before.metric, [((), 20)])
    path.unlink()
    assert "up" not in values(collector.collect())


def _trouble(collector: Textfile) -> tuple[float, list[str]]:
    with structlog.testing.capture_logs() as logs:
        found = values(collector.collect())
    told = [log["reason"] for log in logs if log["log_level"] == "warning"]
    return found["node_textfile_scrape_error"][()], told


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a": "up 1"}, "the last line does not end; is the file being written?"),
        ({"a": "up 1\nup 2\n"}, "a series of up is there twice"),
        ({"a": "up 1\n", "b": "up 1\n"}, "a series of up is there twice"),
        (
            {"a": "# TYPE up gauge\nup 1\n", "b": 'up{a="b"} 1\n'},
            "up has another type in {}/a.prom",
        ),
        (
            {"a": "node_scrape_collector_success 1\n"},
            "node_scrape_collector_success is a name of the exporter's own",
        ),
    ],
)
def test_what_prometheus_would_refuse_is_left_out_and_told_once(
    host: Host, tmp_path: Path, files: dict[str, str], reason: str
) -> None:
    for name, text in files.items():
        (tmp_path / f"{name}.prom").write_text(text)
    collector = _collector(host, tmp_path)
    assert _trouble(collector) == (1, [reason.format(tmp_path)])
    assert _trouble(collector) == (1, [])
    for path in tmp_path.iterdir():
        path.write_text("")
    assert _trouble(collector) == (0, [])


def test_the_first_of_two_equal_series_is_served(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x.prom").write_text('up{a="b"} 1\nup{a="b"} 2\n')
    found = values(_collector(host, tmp_path).collect())
    assert found["up"] == {("b",): 1}


def test_a_pipe_holds_no_scrape_up(host: Host, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.prom")
    assert _trouble(_collector(host, tmp_path)) == (1, ["is no regular file"])


def test_what_is_no_file_is_not_even_opened(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.prom").symlink_to("/dev/null")
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda path, _: opened.append(path))
    assert _trouble(_collector(host, tmp_path)) == (1, ["is no regular file"])
    assert opened == []


def test_a_file_that_hides_its_size_is_not_read_to_its_end(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.collectors.textfile._LARGEST", 10)
    (tmp_path / "x.prom").symlink_to("/proc/stat")
    assert _trouble(_collector(host, tmp_path)) == (1, ["has more than 10 bytes"])


def test_a_huge_file_is_not_read(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    path.touch()
    os.truncate(path, 17 << 20)
    (reason,) = _trouble(_collector(host, tmp_path))[1]
    assert reason == "has 17825792 bytes; 16777216 are the most"


def test_what_is_no_text_is_left_out(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x.prom").write_bytes(b"up 1 \xff\n")
    assert _trouble(_collector(host, tmp_path))[0] == 1


def test_collectors_go_before_files(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x.prom").write_text("node_load1 7\nnode_mine 8\n")

    class Load:
        def collect(self) -> list[object]:
            return [Metric("node_load1", "gauge", "Load.").of(1)]

    collectors = {"load": Load(), "textfile": _collector(host, tmp_path)}
    registry = Registry(collectors, deadline=5, clock=SystemClock())  # type: ignore[arg-type]
    found = values(registry.scrape(registry.names).families)
    assert found["node_load1"] == {(): 1}
    assert found["node_mine"] == {(): 8}
    assert found["node_textfile_scrape_error"] == {(): 1}


def test_files_that_nobody_contradicts_are_left_as_they_are(
    host: Host, tmp_path: Path
) -> None:
    (tmp_path / "x.prom").write_text("node_mine 8\n")
    families = _collector(host, tmp_path).collect()
    assert yield_to_others(families) == families


def test_openmetrics_has_names_of_files_unchanged(host: Host, tmp_path: Path) -> None:
    (tmp_path / "x.prom").write_text(
        "# TYPE runs counter\nruns 1\n# TYPE wait summary\nwait_sum 2\nwait_count 3\n"
    )
    text = openmetrics_renderer().render(_collector(host, tmp_path).collect())
    lines = text.decode().splitlines()
    assert "# TYPE runs unknown" in lines
    assert "runs 1.0" in lines
    assert {"# TYPE wait summary", "wait_count 3.0", "wait_sum 2.0"} <= set(lines)
