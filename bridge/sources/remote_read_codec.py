"""Messages of Prometheus' remote read: bytes on the wire, and what they say.

The published protocol as far as it is needed here, described at run time so that no
generated code ties the project to one version of protobuf. Series stay bytes: their
samples are read by `remote_read_scan`, without an object for each. Nothing else
imports protobuf or cramjam.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cramjam import DecompressionError, snappy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from bridge.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bridge.sources.selectors import Matcher

SAMPLES: Final = 0
STREAMED_XOR_CHUNKS: Final = 1

_PACKAGE: Final = "epimetheus.remote_read"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "double": _FIELD.TYPE_DOUBLE,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "int32": _FIELD.TYPE_INT32,
    "uint32": _FIELD.TYPE_UINT32,
    "sint32": _FIELD.TYPE_SINT32,
    "sint64": _FIELD.TYPE_SINT64,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
_SCHEMA: Final[Mapping[str, str]] = {
    "ReadRequest": "1 queries Query*, 2 accepted_response_types int32*",
    "Query": "1 start_timestamp_ms int64, 2 end_timestamp_ms int64, "
    "3 matchers LabelMatcher*, 4 hints ReadHints",
    "LabelMatcher": "1 type int32, 2 name string, 3 value string",
    "ReadHints": "1 step_ms int64, 2 func string, 3 start_ms int64, 4 end_ms int64, "
    "5 grouping string*, 6 by int32, 7 range_ms int64",
    # Undecoded: series, labels and histograms are looked into one by one.
    "ReadResponse": "1 results QueryResult*",
    "QueryResult": "1 timeseries bytes*",
    "Labels": "1 labels Label*, 15 added Label*",
    "Label": "1 name bytes, 2 value bytes",
    "TimeSeries": "1 labels bytes*, 2 samples Sample*, 4 histograms bytes*",
    "Sample": "1 value double, 2 timestamp int64",
    "Histogram": "1 count_int uint64?, 2 count_float double?, 3 sum double, "
    "4 schema sint32, 5 zero_threshold double, 6 zero_count_int uint64?, "
    "7 zero_count_float double?, 8 negative_spans BucketSpan*, "
    "9 negative_deltas sint64*, 10 negative_counts double*, "
    "11 positive_spans BucketSpan*, 12 positive_deltas sint64*, "
    "13 positive_counts double*, 14 reset_hint int32, 15 timestamp int64, "
    "16 custom_values double*",
    "BucketSpan": "1 offset sint32, 2 length uint32",
    # The other kind of answer, which bench/remote_read.py measures.
    "ChunkedReadResponse": "1 chunked_series ChunkedSeries*, 2 query_index int64",
    "ChunkedSeries": "1 labels bytes*, 2 chunks Chunk*",
    "Chunk": "1 min_time_ms int64, 2 max_time_ms int64, 3 type int32, 4 data bytes",
}
"""Messages with their fields: number, name, type, `*` repeated, `?` optional."""


def _describe(name: str, fields: str) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    for text in fields.split(", "):
        number, field_name, kind = text.split()
        field = message.field.add(name=field_name, number=int(number))
        repeated, optional = kind.endswith("*"), kind.endswith("?")
        field.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
        kind = kind.rstrip("*?")
        if kind in _TYPES:
            field.type = _TYPES[kind]
        else:
            field.type = _FIELD.TYPE_MESSAGE
            field.type_name = f".{_PACKAGE}.{kind}"
        if optional:
            # What proto3 calls optional: whether it was sent can be told.
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field_name}")
    return message


def _messages() -> dict[str, Any]:
    described = descriptor_pb2.FileDescriptorProto(
        name="epimetheus/remote_read.proto",
        package=_PACKAGE,
        syntax="proto3",
        message_type=[_describe(*entry) for entry in _SCHEMA.items()],
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described)
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        )
        for name in _SCHEMA
    }


MESSAGES: Final = _messages()
"""Classes by the names of messages."""

_MATCHES: Final = {"=": 0, "!=": 1, "=~": 2, "!~": 3}


def request(
    matchers: Iterable[Matcher], start_ms: int, end_ms: int, answer: int = SAMPLES
) -> bytes:
    """Return the compressed question for all samples of `[start_ms, end_ms)`.

    Both ends of the protocol's own range are in it (RULES R80).
    """
    found = [
        {
            "type": _MATCHES[matcher.operator],
            "name": matcher.label,
            "value": matcher.value,
        }
        for matcher in matchers
    ]
    query = {
        "start_timestamp_ms": start_ms,
        "end_timestamp_ms": end_ms - 1,
        "matchers": found,
        "hints": {"start_ms": start_ms, "end_ms": end_ms - 1},
    }
    asked = MESSAGES["ReadRequest"](queries=[query], accepted_response_types=[answer])
    return bytes(snappy.compress_raw(asked.SerializeToString()))


def uncompress(body: bytes, largest: int) -> bytes:
    """Return what a snappy block holds, at most `largest` bytes.

    Raises SourceError (truncated, garbage, too_large) without making room for more.
    """
    if not body:
        raise SourceError("truncated", "the answer is empty, not even a snappy block")
    try:
        size = snappy.decompress_raw_len(body)
        if size > largest:
            raise SourceError(
                "too_large",
                f"the answer has {size} bytes uncompressed, more than {largest}",
                permanent=True,
            )
        return bytes(snappy.decompress_raw(body))
    except DecompressionError as error:
        raise SourceError(
            "garbage", f"the answer is no whole snappy block: {error}"
        ) from error


def series_of(message: bytes) -> list[bytes]:
    """Return the undecoded series of an answer; raises SourceError."""
    answer = parse("ReadResponse", message)
    return [series for result in answer.results for series in result.timeseries]


def added(labels: Mapping[str, str]) -> bytes:
    """Return what says, behind a series, which labels the server has added to it.

    It makes the bytes a name of the series as it was stored, whatever the server adds
    some other day. Without labels it is nothing.
    """
    found = [
        {"name": name.encode(), "value": value.encode()}
        for name, value in sorted(labels.items())
    ]
    return bytes(MESSAGES["Labels"](added=found).SerializeToString())


def labels_of(message: bytes) -> dict[str, str]:
    """Return the labels of a series, of which these bytes hold at least the labels.

    Those that `added` tells of are left out. What is no UTF-8 is replaced, as servers
    do when they answer JSON. Raises SourceError.
    """
    found = parse("Labels", message)
    without = {(label.name, label.value) for label in found.added}
    return {
        label.name.decode("utf-8", "replace"): label.value.decode("utf-8", "replace")
        for label in found.labels
        if (label.name, label.value) not in without
    }


def parse(kind: str, message: bytes) -> Any:
    """Decode a message of a kind of the schema; raises SourceError."""
    try:
        return MESSAGES[kind].FromString(message)
    except DecodeError as error:
        raise SourceError(
            "garbage", f"the answer is no {kind} of remote read: {error}"
        ) from error
