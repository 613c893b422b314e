from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.uname import Uname
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


@pytest.mark.parametrize(
    ("files", "domain"),
    [({"proc/sys/kernel/domainname": "example\n"}, "example"), ({}, "(none)")],
)
def test_the_facts_of_the_kernel_are_labels(
    empty_host: Host, files: dict[str, str], domain: str
) -> None:
    write(empty_host, files)
    facts = os.uname()
    labels = (
        facts.sysname,
        facts.release,
        facts.version,
        facts.machine,
        facts.nodename,
        domain,
    )
    found = values(Uname(empty_host, Collector()).collect())
    assert found == {"node_uname_info": {labels: 1}}
