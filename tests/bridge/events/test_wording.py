from __future__ import annotations

import pytest

from bridge.events.wording import sentence, target


@pytest.mark.parametrize(
    ("job", "instance", "name"),
    [
        ("node", "127.0.0.1:9100", "127.0.0.1:9100 (job node)"),
        ("", "127.0.0.1:9100", "127.0.0.1:9100"),
        ("node", "", "a target of job node"),
        ("", "", "an unnamed target"),
    ],
)
def test_a_target_is_named_by_what_is_known(job: str, instance: str, name: str) -> None:
    assert target(job, instance) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It broke", "It broke."),
        ("It broke. ", "It broke."),
        ("It\nbroke\n  twice!", "It broke twice!"),
        ("Did it?", "Did it?"),
    ],
)
def test_a_sentence_is_one_line_with_a_full_stop(text: str, said: str) -> None:
    assert sentence(text) == said
