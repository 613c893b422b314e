from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bridge.sources import counts
from bridge.sources.base import Warnings
from bridge.sources.natives import NativeSeries
from bridge.sources.payload import Matrix
from bridge.sources.selectors import parse

if TYPE_CHECKING:
    from collections.abc import Callable


class Vectors:
    """An API that answers vectors by what a test says of an expression."""

    def __init__(self, answer: Callable[[str], list[Any]]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, int]] = []

    def now_ms(self) -> int:
        return 1_700_000_077_123

    def vector(self, expression: str, at_ms: int) -> list[Any]:
        self.asked.append((expression, at_ms))
        return self._answer(expression)


def element(value: str, **metric: str) -> Any:
    return SimpleNamespace(metric=metric, value=(0, value))


@pytest.mark.rule(2)
@pytest.mark.parametrize(("points", "closed"), [("2", True), ("1", False)])
def test_r2_whether_ranges_are_closed_is_asked_of_the_server(
    points: str, *, closed: bool
) -> None:
    api: Any = Vectors(lambda _: [element(points)])
    assert counts.is_closed(api) is closed
    assert api.asked == [("count_over_time(vector(0)[1m:1m])", 1_700_000_040_000)]


@pytest.mark.rule(2)
def test_r2_neither_border_is_counted_twice() -> None:
    names = [element("1", __name__="a"), element("1", __name__="b")]
    api: Any = Vectors(lambda text: names if "group" in text else [element("7")])
    one = parse('{job="x"}')
    assert counts.count(api, [one], 0, 60_000, closed=True) == 7
    assert counts.count(api, [one], 0, 60_000, closed=False) == 7
    widths = [text.count("[59999ms]") for text, _ in api.asked]
    assert widths == [0, 2, 0, 0]
    assert {at for _, at in api.asked} == {59_999}
    assert api.asked[1][0] == (
        'sum(label_replace(sum(count_over_time({__name__="a",job="x"}[59999ms])),'
        '"n","0","","") or '
        'label_replace(sum(count_over_time({__name__="b",job="x"}[59999ms])),'
        '"n","1","",""))'
    )


def test_names_are_asked_for_in_parts_and_not_beyond_a_limit() -> None:
    def answer(names: int) -> Callable[[str], list[Any]]:
        listed = [element("1", __name__=f"n{n}") for n in range(names)]
        return lambda text: listed if "group" in text else [element("1")]

    api: Any = Vectors(answer(counts.NAMES + 1))
    assert counts.count(api, [parse("{a='b'}")], 0, 1000, closed=True) == 2
    many: Any = Vectors(answer(counts.MOST_NAMES + 1))
    assert counts.count(many, [parse("{a='b'}")], 0, 1000, closed=True) is None
    nothing: Any = Vectors(answer(0))
    assert counts.count(nothing, [parse("{a='b'}")], 0, 1000, closed=True) == 0


def test_what_an_answer_holds_is_counted_within_the_span() -> None:
    times = np.array([0, 1000, 1999, 2000], np.int64)
    native = NativeSeries(b"{}", [999, 1000, 1500], [])
    values = times.astype(np.float64)
    matrix = Matrix([b"{}"], np.array([4]), times, values, [native])
    assert counts.held(matrix, 1000, 2000) == 4
    left_out = Matrix([b"{}"], np.array([4]), times, values, [native], left_out=1)
    assert counts.held(left_out, 1000, 2000) is None


def test_one_part_without_a_count_leaves_the_whole_without() -> None:
    def held(*parts: int | None) -> int | None:
        warnings = Warnings()
        for part in parts:
            warnings.hold(part)
        return warnings.held

    assert held() is None
    assert held(3, 4) == 7
    assert held(3, None, 5) is None
