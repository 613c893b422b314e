from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from bridge.probing import provisioning
from bridge.probing.catalogue import Catalogue
from bridge.probing.entries import DESTINATION, JOB, MAINTENANCE, MODULE, Kind
from bridge.probing.planner import read_everything
from bridge.probing.plans import plan_of
from bridge.probing.provisioning import provision, steps
from bridge.probing.refusals import OwnedByConfig
from models.queries import entries as table
from runtime.probing.jobs import Probes
from tests.bridge.application import NOON
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database

CLOCK = FakeClock(float(NOON))
GATEWAY = {"name": "gateway", "host": "192.0.2.1", "tags": ["lan", "core"]}
FILE: dict[str, list[dict[str, Any]]] = {
    "modules": [{"name": "ping-20", "kind": "icmp", "count": 20, "spacing": "50ms"}],
    "destinations": [GATEWAY, {"name": "printer", "host": "192.0.2.2"}],
    "jobs": [
        {
            "name": "often",
            "interval": "5s",
            "probes": ["ping-20"],
            "destinations": ["printer"],
            "tags": ["lan"],
        }
    ],
    "maintenance": [
        {"name": "night", "destinations": ["gateway"], "end": "2026-12-01T06:00:00Z"}
    ],
}


def take_over(db: Database, **changes: Any) -> dict[str, int]:
    """Provision from the file with some sections changed."""
    return dict(provision(db, Probes.model_validate({**FILE, **changes}), CLOCK))


def told(db: Database, kind: Kind, name: str) -> dict[str, Any]:
    row = table.find(db, kind.key, name)
    assert row is not None
    return {"origin": row.origin, "revision": row.revision, **row.document}


def test_the_database_takes_the_file_over(db: Database) -> None:
    assert take_over(db) == {"made": 5}
    gateway = told(db, DESTINATION, "gateway")
    assert gateway.items() >= {"origin": "config", "host": "192.0.2.1"}.items()
    assert told(db, JOB, "often")["interval"] == "5s"
    assert told(db, MODULE, "ping-20")["count"] == 20
    assert told(db, MAINTENANCE, "night")["destinations"] == ["gateway"]
    # Nothing to do, and nothing is written.
    assert take_over(db) == {}
    assert told(db, DESTINATION, "gateway")["revision"] == 1


def test_what_the_file_changes_is_changed(db: Database) -> None:
    take_over(db)
    others = [{**GATEWAY, "host": "192.0.2.9"}, FILE["destinations"][1]]
    assert take_over(db, destinations=others) == {"changed": 1}
    gateway = told(db, DESTINATION, "gateway")
    assert (gateway["host"], gateway["revision"]) == ("192.0.2.9", 2)


def test_what_the_file_no_longer_has_is_removed(db: Database) -> None:
    take_over(db)
    assert take_over(db, modules=[], destinations=[], jobs=[], maintenance=[]) == {
        "removed": 5
    }
    everything = read_everything(db)
    assert not everything.jobs
    assert not everything.destinations
    assert take_over(db) == {"made": 5}


def test_what_the_api_names_is_left_to_it(db: Database) -> None:
    take_over(db)
    catalogue = Catalogue(db, CLOCK)
    job = {"name": "own", "destinations": ["gateway"], "probes": ["ping-20"]}
    catalogue.create(JOB, job, "grace")
    with capture_logs() as logs:
        done = take_over(db, modules=[], destinations=[], jobs=[], maintenance=[])
    assert done == {"removed": 3, "left": 2}
    left = {entry["name"]: entry["disabled"] for entry in logs if "used_by" in entry}
    assert left == {"gateway": True, "ping-20": False}
    gateway = told(db, DESTINATION, "gateway")
    assert (gateway["origin"], gateway["enabled"]) == ("api", False)
    assert told(db, MODULE, "ping-20")["origin"] == "api"
    catalogue.patch(DESTINATION, "gateway", {"enabled": True}, "grace")


def test_what_the_api_made_first_becomes_the_files(db: Database) -> None:
    catalogue = Catalogue(db, CLOCK)
    made = catalogue.create(DESTINATION, {**GATEWAY, "host": "x"}, "grace")
    assert take_over(db) == {"made": 4, "adopted": 1}
    row = table.find(db, "destinations", "gateway")
    assert row is not None
    assert (row.id, row.origin, row.document["host"]) == (
        made.row.id,
        "config",
        "192.0.2.1",
    )
    with pytest.raises(OwnedByConfig):
        catalogue.patch(DESTINATION, "gateway", {"host": "y"}, "grace")


def test_what_the_api_made_stays(db: Database) -> None:
    catalogue = Catalogue(db, CLOCK)
    catalogue.create(DESTINATION, {"name": "mine", "host": "x"}, "grace")
    take_over(db)
    assert told(db, DESTINATION, "mine")["origin"] == "api"


def test_it_is_all_or_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    take_over(db)
    slow = [{**FILE["jobs"][0], "interval": "1m"}]
    actions = {"make": provisioning._make, "change": _fail}
    monkeypatch.setattr(provisioning, "_DO", actions)
    more = [{"name": "more", "kind": "tcp"}, *FILE["modules"]]
    with pytest.raises(RuntimeError):
        take_over(db, modules=more, jobs=slow)
    assert table.find(db, "modules", "more") is None


def _fail(*_: object) -> str:
    raise RuntimeError("the disk is full")


def test_what_is_to_be_done_can_be_asked(db: Database) -> None:
    probes = Probes.model_validate(FILE)
    assert [(step.action, step.name) for step in steps(db, probes)] == [
        ("make", "ping-20"),
        ("make", "gateway"),
        ("make", "printer"),
        ("make", "often"),
        ("make", "night"),
    ]
    take_over(db)
    assert steps(db, probes) == []
    gone = [(step.action, step.name) for step in steps(db, Probes())]
    assert [name for _, name in gone] == [
        "night",
        "often",
        "printer",
        "gateway",
        "ping-20",
    ]


def test_words_of_the_api_are_no_names() -> None:
    with pytest.raises(ValidationError, match="'summary' is a word of the API"):
        Probes.model_validate({"destinations": [{"name": "summary", "host": "a"}]})


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        pytest.param(kind, key, value, marks=pytest.mark.setting(setting))
        for setting, kind, key, value in (
            ("probes.destinations.host", DESTINATION, "host", "192.0.2.7"),
            ("probes.destinations.display_name", DESTINATION, "display_name", "Nice"),
            ("probes.destinations.description", DESTINATION, "description", "cellar"),
            ("probes.jobs.name", JOB, "name", "seldom"),
            ("probes.jobs.description", JOB, "description", "for the report"),
            ("probes.maintenance.name", MAINTENANCE, "name", "day"),
            ("probes.maintenance.note", MAINTENANCE, "note", "patches"),
        )
    ],
)
def test_people_find_what_the_file_says_and_agents_do_it(
    db: Database, kind: Kind, key: str, value: str
) -> None:
    (first, *rest) = FILE[kind.key]
    changed = {**first, key: value}
    take_over(db, **{kind.key: [changed, *rest]})
    assert told(db, kind, changed["name"])[key] == value
    plan = plan_of(read_everything(db), "edge")
    assert value in [one[key] for one in plan[kind.key]]
