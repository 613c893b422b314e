from __future__ import annotations

import itertools
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from grafana import build
from tests.grafana.expressions import DASHBOARDS, panels

if TYPE_CHECKING:
    from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import dashboard as sdk
    from grafana_foundation_sdk.models import units

UNITS = {value for value in vars(units).values() if isinstance(value, str)}

register_default_plugins()

every_dashboard = pytest.mark.parametrize(
    "path", DASHBOARDS, ids=lambda path: path.name
)


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def test_the_files_are_what_the_script_writes() -> None:
    assert build.outdated() == []


def test_a_file_that_differs_or_is_missing_is_outdated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert build.main([]) == 0
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "bridge.json").unlink()

    assert build.outdated(tmp_path) == ["host.json", "bridge.json"]


def test_the_check_says_what_to_run_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "rendered", lambda: {"host.json": "new"})

    assert build.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "grafana/dashboards/host.json: run python -m grafana.build\n"
    )


def test_there_are_three_dashboards_with_names_of_their_own() -> None:
    loaded = [load(path) for path in DASHBOARDS]

    assert [(each["uid"], each["title"]) for each in loaded] == [
        ("epimetheus-bridge", "Epimetheus / Bridge"),
        ("epimetheus-host", "Epimetheus / Host"),
        ("epimetheus-probes", "Epimetheus / Probes"),
    ]


@every_dashboard
def test_grafanas_own_model_knows_every_field(path: Path) -> None:
    """Whatever the model does not know is dropped on the way through it."""
    ours = load(path)
    read = sdk.Dashboard.from_json(ours)
    theirs = json.loads(json.dumps(read, cls=JSONEncoder))

    assert missing(ours, theirs) == []


def missing(ours: object, theirs: object, at: str = "") -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            lost
            for key, value in ours.items()
            for lost in (
                missing(value, theirs[key], f"{at}.{key}")
                if key in theirs
                else [f"{at}.{key}"]
            )
        ]
    if isinstance(ours, list) and isinstance(theirs, list):
        return [
            lost
            for number, (one, other) in enumerate(zip(ours, theirs, strict=True))
            for lost in missing(one, other, f"{at}[{number}]")
        ]
    return [] if ours == theirs else [f"{at}: {ours!r} became {theirs!r}"]


@every_dashboard
def test_panels_have_numbers_and_places_of_their_own(path: Path) -> None:
    shown = load(path)["panels"]
    taken: dict[tuple[int, int], str] = {}
    for panel in shown:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]),
            range(place["y"], place["y"] + place["h"]),
        ):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]

    assert len({panel["id"] for panel in shown}) == len(shown)


@every_dashboard
def test_panels_of_a_row_have_titles_of_their_own(path: Path) -> None:
    row = ""
    seen: set[tuple[str, str]] = set()
    for panel in load(path)["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            continue
        assert (row, panel["title"]) not in seen
        seen.add((row, panel["title"]))


@every_dashboard
def test_every_panel_and_query_asks_the_chosen_data_source(path: Path) -> None:
    dashboard = load(path)
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asked = [
        *(panel["datasource"] for panel in panels(dashboard)),
        *(
            each["datasource"]
            for panel in panels(dashboard)
            for each in panel["targets"]
        ),
        *(
            each["datasource"]
            for each in dashboard["templating"]["list"]
            if each["type"] == "query"
        ),
        *(
            each["datasource"]
            for each in dashboard["annotations"]["list"]
            if not each.get("builtIn")
        ),
    ]

    assert dashboard["templating"]["list"][0]["name"] == "datasource"
    assert dashboard["templating"]["list"][0]["type"] == "datasource"
    assert asked == [chosen] * len(asked)


@every_dashboard
def test_every_panel_says_what_it_shows(path: Path) -> None:
    for panel in panels(load(path)):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS, (panel["title"], defaults["unit"])
        assert all(target["legendFormat"] for target in panel["targets"])


@every_dashboard
def test_limits_rise_from_green(path: Path) -> None:
    for panel in panels(load(path)):
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [step["value"] for step in steps[1:]]

        assert steps[0] == {"color": "green", "value": None}
        assert values == sorted(values)
        if panel["type"] == "timeseries":
            style = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]
            assert style["mode"] == ("dashed" if values else "off")


@every_dashboard
def test_ranges_of_graphs_follow_the_scrape_interval(path: Path) -> None:
    for panel in panels(load(path)):
        for target in panel["targets"]:
            ranges = set(re.findall(r"\[([^\]]+)\]", target["expr"]))
            fixed = {"1h"} if "in an hour" in panel["title"] else {"$__rate_interval"}
            assert ranges <= fixed, panel["title"]


@every_dashboard
def test_only_variables_that_exist_are_used(path: Path) -> None:
    dashboard = load(path)
    known = {each["name"] for each in dashboard["templating"]["list"]}
    text = path.read_text().replace("$__rate_interval", "").replace("$__all", "")

    assert set(re.findall(r"\$\{?(\w+)", text)) == known
