from __future__ import annotations

import numpy as np
import pytest

from bridge.rollup.buckets.blobs import Kind, Merging, kind_of, merge, parts
from bridge.rollup.buckets.distinct import estimate, hashes, sketches
from bridge.rollup.buckets.layouts import TOTAL, layout_id
from bridge.rollup.rows import no_blobs
from tests.bridge.rollup.families import INF, Scrape, segments, small
from tests.bridge.rollup.families import windows as family_windows
from tests.bridge.rollup.natives import Native, inside
from tests.bridge.rollup.natives import windows as native_windows


def classic(*counts: float) -> bytes:
    (rows,) = family_windows([Scrape(0, (0, 0, 0)), Scrape(1, counts)])
    blob = rows.buckets[0]
    assert isinstance(blob, bytes)
    return blob


def native(**given: object) -> bytes:
    (rows,) = native_windows([Native(0), Native(1, **given)])  # type: ignore[arg-type]  # fields
    blob = rows.buckets[0]
    assert isinstance(blob, bytes)
    return blob


def distinct(*values: str) -> bytes:
    return sketches(hashes(values), np.zeros(len(values), np.int64), 1)[0]


def test_a_blob_tells_its_kind() -> None:
    found = [kind_of(one) for one in (classic(1, 2, 3), native(zero=1), distinct("a"))]
    assert found == [Kind.CLASSIC, Kind.EXPONENTIAL, Kind.DISTINCT]
    for wrong in (b"", b"\x63\1"):
        with pytest.raises(ValueError, match="unknown kind"):
            kind_of(wrong)


def test_groups_of_any_kinds_merge_at_once() -> None:
    merged = merge(
        [
            [classic(1, 2, 3), classic(2, 2, 2)],
            [distinct("a", "b"), distinct("b")],
            [native(positive={1: 2}), native(positive={1: 1, 2: 1})],
            [classic(1, 1, 1)],
        ]
    )
    assert segments(merged[0]) == small(3, 1, 1)
    assert round(estimate(merged[1])) == 2
    assert inside(merged[2])["positive"] == {1: 3.0, 2: 1.0}
    assert merged[3] == classic(1, 1, 1)
    assert merge([]) == []


@pytest.mark.rule(55)
def test_r55_what_does_not_merge_stays_side_by_side() -> None:
    one, other = classic(1, 2, 3), native(positive={1: 2})
    apart = merge([[one, other]])[0]
    assert kind_of(apart) is Kind.APART
    assert parts(apart) == [one, other]
    more = merge([[apart, classic(1, 1, 1)]])[0]
    assert parts(more) == [merge([[one, classic(1, 1, 1)]])[0], other]
    assert merge([[other, one]])[0] == apart


def test_a_thousand_rows_merge_like_one_by_one() -> None:
    blobs = [classic(n % 3, n % 300, n) for n in range(1, 60)]
    groups = [blobs[n % 50 :] for n in range(200)]
    assert merge(groups) == [merge([group])[0] for group in groups]


@pytest.mark.rule(49)
def test_r49_more_layouts_than_a_blob_names_are_counted_all_the_same() -> None:
    def other(bound: float) -> bytes:
        bounds = (bound, INF)
        scrapes = [Scrape(at, (at, 3 * at), bounds=bounds) for at in (0, 1)]
        (rows,) = family_windows(scrapes)
        blob = rows.buckets[0]
        assert isinstance(blob, bytes)
        return blob

    many = [other(float(bound)) for bound in range(300)]
    few, merged, state = merge([many[:254], many, many[-1:]])
    assert len(segments(few)) == 254
    newest, total = layout_id((299.0, INF)), layout_id(TOTAL)
    assert segments(merged) == {newest: [1, 2], total: [299 * 3]}
    assert merged.endswith(state[-11:])
    again = merge([[few, merged]])[0]
    assert sum(map(sum, segments(again).values())) == 254 * 3 + 300 * 3


def test_a_damaged_blob_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        merge([[classic(1, 2, 3), classic(1, 2, 3)[:-1]]])


def test_slots_are_merged_as_they_come_and_keep_their_places() -> None:
    merging = Merging(2)
    given = no_blobs(2)
    given[:] = [classic(1, 2, 3), None]
    for _ in range(40):
        merging.add(slice(None), given)
    wider = merging.spread(4, np.array([1, 3]))
    last = no_blobs(1)
    last[0] = distinct("a")
    wider.add(np.array([0]), last)
    merged = wider.result().tolist()
    assert merged[0] == distinct("a")
    assert segments(merged[1]) == small(40, 40, 40)
    assert merged[2:] == [None, None]
