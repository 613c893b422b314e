from __future__ import annotations

import pytest

from exporter.pages.guard import Guard, unauthorized


@pytest.mark.parametrize(
    ("token", "header", "admitted"),
    [
        (None, None, True),
        (None, "Bearer whatever", True),
        ("s3cret", None, False),
        ("s3cret", "Bearer s3cret", True),
        ("s3cret", "bearer  s3cret ", True),
        ("s3cret", "Bearer S3cret", False),
        ("s3cret", "Basic s3cret", False),
    ],
)
def test_who_sends_the_token_is_let_through(
    token: str | None, header: str | None, *, admitted: bool
) -> None:
    environ = {} if header is None else {"HTTP_AUTHORIZATION": header}
    assert Guard(token).admits(environ) == admitted


def test_others_are_told_what_to_send() -> None:
    answer = unauthorized()
    assert answer.status == "401 Unauthorized"
    assert ("WWW-Authenticate", 'Bearer realm="epimetheus-exporter"') in answer.headers
