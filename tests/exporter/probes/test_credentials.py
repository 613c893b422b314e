from __future__ import annotations

import pytest

from exporter.probes.credentials import may_be_secret


@pytest.mark.parametrize(
    "header",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "X-API-Key",
        "Ocp-Apim-Subscription-Key",
        "PRIVATE-TOKEN",
        "X-Vault-Token",
        "X-Client-Secret",
    ],
)
def test_headers_that_get_somebody_in_are_known_by_name(header: str) -> None:
    assert may_be_secret(header)


@pytest.mark.parametrize(
    "header", ["Accept", "User-Agent", "Content-Type", "Range", "X-Monkey"]
)
def test_others_are_for_everybody(header: str) -> None:
    assert not may_be_secret(header)
