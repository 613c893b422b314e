"""Why a question gets no answer: it is wrong, or it asks for too much."""

from __future__ import annotations


class QuestionError(ValueError):
    """A question that cannot be answered as it was asked.

    `parameter` names the part that is wrong, and the message says what to write
    instead.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class TooMuchError(QuestionError):
    """A question whose answer would be larger than `bridge.max_points`."""
