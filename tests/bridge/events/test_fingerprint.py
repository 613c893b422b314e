from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events.fingerprint import fingerprint

labels = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)


def test_a_fingerprint_is_the_same_for_good() -> None:
    assert fingerprint("down", {"job": "node", "instance": "a:1"}) == (
        "f501406635585308019abe216974e3bf"
    )


@pytest.mark.rule(84)
@given(labels)
def test_r84_the_order_of_labels_and_their_container_do_not_matter(
    some: dict[str, str],
) -> None:
    turned = dict(reversed(some.items()))
    assert fingerprint("down", some) == fingerprint("down", MappingProxyType(turned))


@given(st.lists(labels | st.text(max_size=3), max_size=3), st.text(max_size=3))
def test_different_identities_have_different_fingerprints(
    identity: list[dict[str, str] | str], more: str
) -> None:
    one = fingerprint("down", *identity)
    assert one != fingerprint("statuses", *identity)
    assert one != fingerprint("down", *identity, more)
    assert one != fingerprint("down", identity[0] if identity else "", *identity)


def test_parts_do_not_run_into_each_other() -> None:
    assert fingerprint("x", "ab", "c") != fingerprint("x", "a", "bc")
    assert fingerprint("x", "{}") != fingerprint("x", {})
