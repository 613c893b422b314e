from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.destinations import DestinationModel, DestinationsAnswer
from bridge.api.jobs import JobModel
from bridge.probing.entries import DESTINATION, Around, read, written
from models.queries import catalogue
from tests.bridge.application import NOON, body_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.bridge.application import Application

GATEWAY = {"name": "gateway", "host": "192.0.2.1", "tags": ["lan", "core"]}
EVERY: dict[str, dict[str, Any]] = {
    "destinations": GATEWAY,
    "modules": {"name": "ping-20", "kind": "icmp", "count": 20, "spacing": "50ms"},
    "jobs": {"name": "often", "interval": "5s", "tags": ["lan"]},
    "maintenance": {"name": "night", "end": "2026-12-01T06:00:00Z"},
}


def send(
    bridge: Application,
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str = "",
    tag: str = "",
) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= {"If-Match": tag} if tag else {}
    client = bridge.app.test_client()
    return client.open(
        f"/api/v1{path}", method=method, json=body, headers=headers, buffered=True
    )


def make(bridge: Application, kind: str, document: dict[str, Any]) -> str:
    """Make an entry and return its ETag."""
    response = send(bridge, "POST", f"/{kind}", document)
    assert response.status_code == 201, response.text
    return response.headers["ETag"]


def wrong(response: TestResponse) -> dict[str, str]:
    assert response.content_type == "application/problem+json"
    return {one["parameter"]: one["detail"] for one in body_of(response)["errors"]}


@pytest.mark.parametrize("kind", EVERY)
def test_an_entry_lives_and_dies(bridge: Application, kind: str) -> None:
    document = EVERY[kind]
    path = f"/{kind}/{document['name']}"
    made = send(bridge, "POST", f"/{kind}", document)
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    entry = body_of(made)
    assert entry["settings"].keys() >= document.keys()
    assert (entry["origin"], entry["revision"]) == ("api", 1)
    assert entry["created_at"] == NOON + 3600
    shown = send(bridge, "GET", path)
    assert (body_of(shown), shown.headers["ETag"]) == (entry, made.headers["ETag"])
    listed = bridge.answer(f"/api/v1/{kind}")
    assert (listed[kind], listed["total"]) == ([entry], 1)
    # What was read can be sent back, with all keys.
    put = send(bridge, "PUT", path, entry["settings"], tag=shown.headers["ETag"])
    assert body_of(put)["settings"] == entry["settings"]
    assert body_of(put)["revision"] == 2
    gone = send(bridge, "DELETE", path, tag=put.headers["ETag"])
    assert (gone.status_code, body_of(gone)["revision"]) == (200, 2)
    assert send(bridge, "GET", path).status_code == 404
    assert send(bridge, "DELETE", path, tag="*").status_code == 404


def test_entries_are_told_with_all_their_settings(bridge: Application) -> None:
    make(bridge, "destinations", GATEWAY)
    make(bridge, "jobs", {**EVERY["jobs"], "destinations": ["gateway"]})
    answer = bridge.answer("/api/v1/destinations")
    DestinationsAnswer.model_validate(answer)
    (gateway,) = answer["destinations"]
    assert (gateway["status"], gateway["last_seen"]) == ("unknown", None)
    assert gateway["settings"]["tags"] == ["core", "lan"]
    job = bridge.answer("/api/v1/jobs/often")
    assert (job["settings"]["interval"], job["settings"]["probes"]) == ("5s", ["icmp"])
    DestinationModel.model_validate(gateway)
    JobModel.model_validate(job)


def test_a_name_is_given_once(bridge: Application) -> None:
    make(bridge, "destinations", GATEWAY)
    again = send(bridge, "POST", "/destinations", GATEWAY)
    assert again.status_code == 409
    assert "there is a destination 'gateway' already" in body_of(again)["detail"]


def test_everything_wrong_is_told_with_its_key(bridge: Application) -> None:
    body = {"name": "j j", "interval": 5, "tags": ["x"], "windows": [{"start": "9"}]}
    response = send(bridge, "POST", "/jobs", body)
    assert response.status_code == 400
    assert set(wrong(response)) == {"name", "interval", "windows[0].start"}
    judged = send(bridge, "POST", "/jobs/validate", body)
    assert judged.status_code == 200
    answer = body_of(judged)
    assert not answer["valid"]
    assert {one["field"] for one in answer["errors"]} == set(wrong(response))
    fine = send(bridge, "POST", "/jobs/validate", EVERY["jobs"])
    assert body_of(fine) == {"valid": True, "errors": []}
    assert bridge.answer("/api/v1/jobs")["total"] == 0


@pytest.mark.parametrize("body", ["[]", "5", "{", ""])
def test_only_objects_are_entries(bridge: Application, body: str) -> None:
    client = bridge.app.test_client()
    response = client.post(
        "/api/v1/destinations", data=body, content_type="application/json"
    )
    assert response.status_code == 400, response.text
    said = "the body is no JSON object; send one as application/json"
    assert body_of(response)["detail"] == said


def test_a_body_is_not_nested_without_end(bridge: Application) -> None:
    client = bridge.app.test_client()
    deep = '{"name": "a", "host": ' + '{"a": ' * 900 + "1" + "}" * 901
    for body in ("[" * 50_000, deep):
        response = client.post(
            "/api/v1/destinations", data=body, content_type="application/json"
        )
        assert response.status_code == 400


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\udfffb"])
def test_what_no_database_takes_is_no_text(bridge: Application, text: str) -> None:
    module = {"name": "m", "kind": "dns", "query": text}
    assert wrong(send(bridge, "POST", "/modules", module)) == {
        "query": "holds a sign that is no text"
    }
    night = {"name": "n", "end": "2026-12-01T06:00:00Z", "destinations": [text]}
    assert "destinations[0]" in wrong(send(bridge, "POST", "/maintenance", night))
    plain = {"name": "m", "kind": "dns", "query": "Zürich 🏔"}
    assert send(bridge, "POST", "/modules", plain).status_code == 201


def test_what_was_sent_is_not_sent_back_whole(bridge: Application) -> None:
    response = send(bridge, "POST", "/destinations", {"name": "x" * 500_000})
    assert response.status_code == 400
    assert len(response.data) < 5_000
    assert wrong(response)["name"].endswith("letters, digits and any of _ . -")


def test_a_text_that_must_be_there_may_not_be_left_out(bridge: Application) -> None:
    response = send(bridge, "POST", "/modules", {"name": "m", "kind": "dns"})
    assert wrong(response) == {"query": "is missing; write a text"}


def test_only_json_is_taken(bridge: Application) -> None:
    client = bridge.app.test_client()
    response = client.post(
        "/api/v1/destinations", data='{"name": "a"}', content_type="text/plain"
    )
    assert response.status_code in {400, 415}


def test_jobs_and_modules_go_together(bridge: Application) -> None:
    make(bridge, "modules", EVERY["modules"])
    job = {**EVERY["jobs"], "probes": ["ping-20"]}
    refused = send(bridge, "POST", "/jobs", {**job, "interval": "1s"})
    assert "longer than 1s" in wrong(refused)["interval"]
    make(bridge, "jobs", job)
    slow = send(bridge, "PATCH", "/modules/ping-20", {"spacing": "1s"}, tag="*")
    assert slow.status_code == 400
    assert "the job 'often' could not be done with it" in body_of(slow)["detail"]
    unknown = send(bridge, "POST", "/jobs", {**job, "name": "b", "probes": ["x"]})
    assert "there is no module 'x'" in wrong(unknown)["probes"]


def test_a_patch_changes_what_it_names(bridge: Application) -> None:
    tag = make(bridge, "jobs", {**EVERY["jobs"], "splay": "2s", "description": "d"})
    patch = {"splay": None, "enabled": False, "on_failure": {"traceroute": True}}
    changed = body_of(send(bridge, "PATCH", "/jobs/often", patch, tag=tag))["settings"]
    assert (changed["splay"], changed["enabled"], changed["description"]) == (
        None,
        False,
        "d",
    )
    assert changed["on_failure"] == {"traceroute": True}
    response = send(bridge, "PATCH", "/jobs/often", {"interval": None, "x": 1}, tag="*")
    assert set(wrong(response)) == {"x"}


def test_a_name_stays(bridge: Application) -> None:
    make(bridge, "destinations", GATEWAY)
    response = send(
        bridge, "PUT", "/destinations/gateway", {**GATEWAY, "name": "b"}, tag="*"
    )
    assert "must stay 'gateway'" in wrong(response)["name"]
    nameless = send(bridge, "PUT", "/destinations/gateway", {"host": "b"}, tag="*")
    assert body_of(nameless)["settings"]["host"] == "b"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nobody_undoes_what_somebody_else_did(bridge: Application, method: str) -> None:
    first = make(bridge, "destinations", GATEWAY)
    path = "/destinations/gateway"
    body = {"host": "192.0.2.7"}
    assert send(bridge, method, path, body).status_code == 428
    send(bridge, "PATCH", path, {"description": "mine"}, tag=first)
    late = send(bridge, method, path, body, tag=first)
    assert late.status_code == 412
    current = body_of(late)["current"]
    assert current["settings"]["description"] == "mine"
    assert late.headers["ETag"] != first
    assert send(bridge, method, path, body, tag=late.headers["ETag"]).status_code == 200


def test_a_tag_is_never_given_to_another(bridge: Application) -> None:
    first = make(bridge, "destinations", GATEWAY)
    send(bridge, "DELETE", "/destinations/gateway", tag=first)
    assert make(bridge, "destinations", GATEWAY) != first
    late = send(bridge, "DELETE", "/destinations/gateway", tag=first)
    assert late.status_code == 412


def test_what_others_name_stays(bridge: Application) -> None:
    make(bridge, "destinations", GATEWAY)
    make(bridge, "modules", EVERY["modules"])
    job = {"name": "a", "destinations": ["gateway"], "probes": ["ping-20"]}
    make(bridge, "jobs", job)
    make(bridge, "maintenance", {**EVERY["maintenance"], "destinations": ["gateway"]})
    refused = send(bridge, "DELETE", "/destinations/gateway", tag="*")
    assert refused.status_code == 409
    assert body_of(refused)["used_by"] == ["job a", "maintenance night"]
    refused = send(bridge, "DELETE", "/modules/ping-20", tag="*")
    assert body_of(refused)["used_by"] == ["job a"]


def test_who_is_selected_by_tags_may_go(bridge: Application) -> None:
    make(bridge, "destinations", GATEWAY)
    make(bridge, "jobs", EVERY["jobs"])
    assert send(bridge, "DELETE", "/destinations/gateway", tag="*").status_code == 200


def test_what_config_yaml_has_is_changed_there(bridge: Application) -> None:
    settings = written(read(DESTINATION, GATEWAY, Around()))
    catalogue.create(bridge.db, "destinations", settings, origin="config", now=1)
    for method in ("PUT", "PATCH", "DELETE"):
        refused = send(bridge, method, "/destinations/gateway", GATEWAY, tag="*")
        assert refused.status_code == 409
        assert "config.yaml" in body_of(refused)["detail"]


def test_entries_are_searched(bridge: Application) -> None:
    make(bridge, "destinations", {**GATEWAY, "description": "Core router"})
    make(bridge, "destinations", {"name": "printer", "host": "p", "tags": ["lan"]})
    off = {"name": "old", "host": "o", "enabled": False}
    make(bridge, "destinations", off)

    def names(**query: Any) -> list[str]:
        answer = bridge.answer("/api/v1/destinations", **query)
        return [one["name"] for one in answer["destinations"]]

    assert names() == ["gateway", "old", "printer"]
    assert names(query="ROUTER") == ["gateway"]
    assert names(tags="lan") == ["gateway", "printer"]
    assert names(tags="lan, core") == ["gateway"]
    assert names(status="inactive") == ["old"]
    assert names(status="unknown", query="p") == ["printer"]
    assert names(limit=1) == ["gateway"]
    assert names(limit=1, after="gateway") == ["old"]
    assert bridge.answer("/api/v1/destinations", limit=1)["total"] == 3
    assert bridge.problem("/api/v1/destinations", status="bad")[0] == 400


def test_reading_takes_read_and_changing_admin(locked: Application) -> None:
    reader, admin = (locked.key(scope, name=scope) for scope in ("read", "admin"))
    assert send(locked, "GET", "/destinations", key=reader).status_code == 200
    assert send(locked, "POST", "/destinations", GATEWAY, key=reader).status_code == 403
    assert send(locked, "POST", "/destinations", GATEWAY, key=admin).status_code == 201


def test_a_key_of_a_workspace_has_no_part_in_it(locked: Application) -> None:
    key = locked.key("admin", workspace="team")
    for path in EVERY:
        response = send(locked, "GET", f"/{path}", key=key)
        assert response.status_code == 403
        assert "belongs to none" in body_of(response)["detail"]
