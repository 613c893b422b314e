"""The schema of config.yaml: what is measured as it happens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.section import Section, Whole


class Live(Section):
    """`/live`, which sends readings every few seconds to whoever watches."""

    max_clients: Annotated[Whole, Field(ge=0, le=1000)] = Field(
        8, description="Clients at once; more are answered 503. 0 is off."
    )
