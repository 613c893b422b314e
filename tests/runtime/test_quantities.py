from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from runtime.quantities import (
    Address,
    Duration,
    Size,
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("15s", 15.0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("1m", 60.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("2w", 1209600.0),
        ("1y", 31536000.0),
        ("1y1w1d1h1m1s1ms", 31536000 + 604800 + 86400 + 3600 + 60 + 1.001),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "15", "s", "15 s", "15S", "-1s", "1s1h", "1s1s", "1e3s", "1,5s", "٣s"]
)
def test_what_is_not_a_duration_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration(text)
    assert str(caught.value) == (
        f"{text!r} is not a duration; write a number with a unit "
        "(ms, s, m, h, d, w, y), for example 15s or 1h30m"
    )


@pytest.mark.parametrize("number", [15, 1.5, True, None, ["15s"]])
def test_a_duration_without_a_unit_is_refused(number: object) -> None:
    with pytest.raises(ValueError, match="is not a duration; write a number with"):
        parse_duration(number)


def test_a_duration_of_absurd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("9" * 400 + "s")


@given(st.integers(0, 10**13))
def test_a_duration_is_read_back_as_it_was_shown(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (15.0, "15s"),
        (90.0, "1m30s"),
        (0.25, "250ms"),
        (3600.0, "1h"),
        (90061.5, "1d1h1m1s500ms"),
    ],
)
def test_durations_are_shown_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("512B", 512),
        ("1KiB", 1024),
        ("1KB", 1000),
        ("1.5MiB", 1572864),
        ("64 MiB", 67108864),
        ("2MB", 2000000),
        ("1GiB", 1073741824),
        ("1GB", 1000000000),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("value", ["", "64", "64M", "MiB", "-1B", "1 TB", 64, None])
def test_what_is_not_a_size_is_refused_with_the_units(value: object) -> None:
    with pytest.raises(ValueError, match="is not a size") as caught:
        parse_size(value)
    assert str(caught.value) == (
        f"{value!r} is not a size; write a number with a unit "
        "(B, KiB, MiB, GiB, KB, MB, GB), for example 64MiB"
    )


@given(st.integers(0, 10**12))
def test_a_size_is_read_back_as_it_was_shown(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1000, "1000B"),
        (65536, "64KiB"),
        (64 * 2**20, "64MiB"),
        (2**31, "2GiB"),
    ],
)
def test_sizes_are_shown_short(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("text", "share"),
    [("10%", 0.1), ("12.5 %", 0.125), ("0%", 0.0), ("250%", 2.5), ("0.1%", 0.001)],
)
def test_percentages_are_read_and_shown(text: str, share: float) -> None:
    assert parse_share(text) == share
    assert parse_share(format_share(share)) == share


@pytest.mark.parametrize("value", ["10", "%", "-1%", "a%", 0.1, None, ""])
def test_what_is_not_a_percentage_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a percentage; write for example 10%"):
        parse_share(value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9105", Address("127.0.0.1", 9105)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:9105", Address("::1", 9105)),
        ("0.0.0.0:65535", Address("0.0.0.0", 65535)),  # noqa: S104 - only parsed
    ],
)
def test_addresses_are_read_and_shown(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text
    assert address.url == f"http://{text}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "9105",
        ":9105",
        "host",
        "host:",
        "host:x",
        "host:65536",
        "::1:9105",
        "[]:1",
        "host:-1",
        "host:٣",
        "a b:1",
        "http://host:1",
        9105,
        None,
    ],
)
def test_what_is_not_an_address_is_refused_with_examples(value: object) -> None:
    with pytest.raises(ValueError, match="is not an address") as caught:
        Address.parse(value)
    assert str(caught.value) == (
        f"{value!r} is not an address; write host:port, "
        "for example 127.0.0.1:9105 or [::1]:9105"
    )


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - only compared
        ("::", False),
        ("192.0.2.1", False),
        ("127.example.org", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_address(
    host: str,
    *,
    loopback: bool,
) -> None:
    assert Address(host, 1).is_loopback is loopback


class Model(BaseModel):
    duration: Duration
    size: Size
    address: Address


def test_quantities_are_fields_that_dump_as_they_were_written() -> None:
    written = {"duration": "1h30m", "size": "64MiB", "address": "[::1]:80"}
    model = Model.model_validate(written)
    assert (model.duration, model.size) == (5400.0, 67108864)
    assert model.address == Address("::1", 80)
    assert model.model_dump(mode="json") == written
    assert Model.model_validate(model.model_dump(mode="json")) == model


def test_every_wrong_quantity_is_reported() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"duration": 15, "size": 64, "address": 80})
    assert [error["loc"] for error in caught.value.errors()] == [
        ("duration",),
        ("size",),
        ("address",),
    ]
