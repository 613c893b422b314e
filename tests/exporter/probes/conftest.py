"""Servers and authorities that the tests of several probes need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.exporter.probes.authority import Issued, Pki, issue
from tests.exporter.probes.peers import Peers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def peers() -> Iterator[Peers]:
    made = Peers()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def root() -> Issued:
    return issue("Root", ca=True)


@pytest.fixture
def pki(root: Issued, tmp_path: Path) -> Pki:
    return Pki(root, root.files(tmp_path, "root")[0], tmp_path)
