from __future__ import annotations

from exporter.probes.patterns import compiled, first_matching, first_missing


def test_the_first_that_matches_or_does_not_is_told() -> None:
    assert first_missing(["a", "b", "c"], b"xbx axa") == "c"
    assert first_missing(["a", "b"], b"ab") is None
    assert first_matching(["x", "b", "a"], b"ab") == "b"
    assert first_matching(["x"], b"ab") is None
    assert first_missing([], b"") is first_matching([], b"") is None


def test_bytes_that_are_no_text_do_not_hinder() -> None:
    found = compiled("(?P<word>é+)$").search(b"\xff\x00 " + "éé".encode())
    assert found.groupdict() == {"word": "éé".encode()}
