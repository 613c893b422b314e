"""Whatever an agent sends is refused, or judged and told: it never stops the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.answers.probes.exports import to_csv, to_json
from bridge.probing.intake import take
from models.database import open_database
from models.queries import results
from models.queries.results import Picked
from runtime.probing.wire import Batch
from tests.bridge.probing.judged import MINUTE, NOON_MS, Bench, found, ran
from tests.databases import copy_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.database import Database

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=4),
)
KEYS = st.sampled_from(
    [
        "tls",
        "chain",
        "hops",
        "addresses",
        "reached",
        "sha256",
        "not_after",
        "leaf_not_after",
        "chain_expiry",
        "jitter",
        "subject",
    ]
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)
ODD: list[dict[str, Any]] = [
    {"reached": True, "hops": [{"addresses": [1, 2]}]},
    {"tls": "yes"},
    {"leaf_not_after": 1e308},
    {"leaf_not_after": "soon"},
    {"tls": {"chain": [{"sha256": "ab"}]}, "chain": 5},
    {"jitter": "soon"},
]


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Bench]:
    """A bench on SQLite, for many examples."""
    database = open_database(copy_sqlite(tmp_path / "epimetheus.db"))
    yield Bench(database)
    database.close()


def tell(bench: Bench, minute: int, facts: dict[str, Any], **changes: Any) -> None:
    """Send what may be hostile, and what is not, and have both judged and told."""
    odd = found("gateway", "tls", facts=facts, route="ab", certificate="ab", **changes)
    runs = (ran(minute, odd), ran(minute + 1, found("gateway")))
    taken = take(bench.db, Batch(agent="edge", runs=runs), NOON_MS + 30 * MINUTE)
    assert taken.receipt.accepted + len(taken.receipt.refused) == 2
    assert all(one.place == 0 for one in taken.receipt.refused)
    bench.judge()
    told = list(results.stream(bench.db, Picked()))
    assert told[-1].probe == "icmp"
    assert all(isinstance(one.jitter, float | None) for one in told)
    assert "".join(to_csv(bench.db, Picked()))
    assert msgspec.json.decode(b"".join(to_json(bench.db, Picked())))


@pytest.mark.parametrize("facts", ODD)
def test_odd_facts_stop_neither_judgement_nor_readers(
    db: Database, facts: dict[str, Any]
) -> None:
    tell(Bench(db), 0, facts)


def test_a_result_takes_no_more_memory_than_was_sent(db: Database) -> None:
    Bench(db)
    flood = msgspec.structs.replace(found(reason="timeout"), sent=2**31 - 1, rtts=())
    taken = take(db, Batch(agent="edge", runs=(ran(5, flood),)), NOON_MS + 30 * MINUTE)
    (refusal,) = taken.receipt.refused
    assert refusal.reason == "results[0].sent: 2147483647 is out of range"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(facts=st.dictionaries(KEYS, JSON, max_size=4))
def test_no_facts_stop_judgement_or_readers(
    hostile: Bench, facts: dict[str, Any]
) -> None:
    hostile.clear()
    tell(hostile, 0, facts)
