from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries import evidence
from models.queries.evidence import CertificateRow, RouteRow
from tests.probed import BEGIN, MINUTE, known, result, run, store

if TYPE_CHECKING:
    from peewee import Database

HOPS = [{"ttl": 1, "addresses": ["192.0.2.1"]}, {"ttl": 2, "addresses": []}]


def test_routes_are_kept_once_with_when_they_were_found(db: Database) -> None:
    known(db, "a")
    for minute in (2, 0, 5):
        at = BEGIN + minute * MINUTE
        told = result("a", at, kind="traceroute", route="f" * 16, facts={"hops": HOPS})
        store(db, run(at, told))
    name = "f" * 16
    assert evidence.routes(db, [name, "0"]) == {
        name: RouteRow(name, (("192.0.2.1",), ()), BEGIN, BEGIN + 5 * MINUTE)
    }


def test_certificates_are_kept_once_with_all_that_was_told(db: Database) -> None:
    known(db, "a")
    told = {
        "sha256": "aa",
        "subject": "CN=a",
        "issuer": "CN=root",
        "not_before": 10,
        "not_after": 20,
        "sans": ["a", "b"],
    }
    for minute in (1, 0):
        at = BEGIN + minute * MINUTE
        store(db, run(at, result("a", at, facts={"tls": {"chain": [told]}})))
    assert evidence.certificates(db, ["aa"]) == {
        "aa": CertificateRow(
            "aa", "CN=a", "CN=root", 10, 20, told, BEGIN, BEGIN + MINUTE
        )
    }
    assert evidence.certificates(db, []) == {}


def test_what_is_no_certificate_stays_as_it_was_told(db: Database) -> None:
    known(db, "a")
    store(db, run(BEGIN, result("a", facts={"tls": {"chain": [{"subject": "x"}]}})))
    assert evidence.certificates(db, ["x"]) == {}
