"""Parameters of questions: checked here, and documented by the same types."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final

from flask import request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bridge.answers.errors import QuestionError
from bridge.answers.selectors import Selector, parse

REPEATABLE: Final = frozenset({"match", "aggregate"})
"""Parameters that may be given several times."""

_TIME: Final = "RFC 3339, Unix seconds, `now`, or relative such as `-1h`."

Match = Annotated[
    list[str],
    Field(
        description="PromQL selectors of series; a series that several of them select "
        "is answered once.",
        json_schema_extra={"example": ["node_load1"]},
    ),
]
Start = Annotated[
    str | None,
    Field(
        description=f"Where to start, inclusive: {_TIME}",
        json_schema_extra={"example": "-1h"},
    ),
]
End = Annotated[
    str | None,
    Field(
        description=f"Where to end, exclusive: {_TIME} Default: now.",
        json_schema_extra={"example": "now"},
    ),
]
SourceName = Annotated[str | None, Field(description="Only of this source.")]


class Query(BaseModel):
    """The query string of one address; unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the JSON schema; flask-openapi3 asks for it in every request."""
        return _schema(cls, *args, **options)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        for name in given:
            if name not in cls.model_fields:
                known = ", ".join(cls.model_fields) or "none"
                raise PydanticCustomError(
                    "unknown_parameter",
                    "is not a parameter here; known are {known}",
                    {"name": name, "known": known},
                )
        return given


@cache
def _schema(model: type[Query], *args: Any, **options: Any) -> dict[str, Any]:
    return super(Query, model).model_json_schema(*args, **options)


def refuse_repeated() -> None:
    """Raise QuestionError for a parameter that is given twice and may not be."""
    for name, values in request.args.lists():
        if len(values) > 1 and name not in REPEATABLE:
            raise QuestionError(name, f"{name} is given {len(values)} times, not once")


def selectors(match: list[str]) -> list[Selector]:
    """Read the selectors of the parameter `match`."""
    return [parse(text) for text in match]
