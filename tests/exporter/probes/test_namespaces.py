from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.probes.base import ProbeFailed
from exporter.probes.namespaces import identity_of, in_namespace
from runtime.probing.reasons import Reason
from tests.exporter.probes.responder import Responder

if TYPE_CHECKING:
    from pathlib import Path


def here() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116 - of a thread


def test_only_the_thread_that_acts_is_elsewhere() -> None:
    before, threads = here(), threading.active_count()
    with Responder() as responder:
        there = in_namespace(responder.namespace, here)
        assert there == identity_of(responder.namespace)
    assert there != before == here() == in_namespace("", here)
    assert threading.active_count() == threads


def test_what_is_raised_there_is_raised_here() -> None:
    def fail() -> None:
        raise LookupError("there")

    with Responder() as responder, pytest.raises(LookupError, match="there"):
        in_namespace(responder.namespace, fail)


@pytest.mark.parametrize("name", ["nowhere", "/nowhere/at/all"])
def test_a_namespace_that_is_not_there_is_a_wrong_setting(name: str) -> None:
    with pytest.raises(ProbeFailed, match="no network namespace") as failed:
        in_namespace(name, here)
    assert failed.value.reason == Reason.WRONG_SETTINGS
    assert identity_of(name) == 0


def test_what_is_no_namespace_is_a_wrong_setting(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ProbeFailed, match="cannot enter") as failed:
        in_namespace(str(path), here)
    assert failed.value.reason == Reason.WRONG_SETTINGS


def test_a_namespace_is_known_by_more_than_its_name() -> None:
    with Responder() as one, Responder() as other:
        assert identity_of(one.namespace) != identity_of(other.namespace)
        assert identity_of(one.namespace) == identity_of(one.namespace)
    assert identity_of("") == 0
