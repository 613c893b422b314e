"""The settings of each kind of probe; a named one is a module."""

from __future__ import annotations

import importlib
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runtime.quantities import Duration, Size
from runtime.section import Positive, Section, Switch, Whole
from runtime.texts import LinearRegex, Name

Family = Literal["auto", "ipv4", "ipv6"]
Port = Annotated[Whole, Field(ge=1, le=65535)]


def _known(table: str, what: str) -> AfterValidator:
    """Return what refuses words that dnspython's table does not know."""

    def check(text: str) -> str:
        # Few settings need it, and it costs each program 8 MB.
        known = importlib.import_module(f"dns.{table}")
        wrong = importlib.import_module("dns.exception").DNSException
        try:
            known.from_text(text)
        except (wrong, ValueError) as error:
            raise ValueError(f"{text!r} is no {what} of DNS") from error
        return text

    return AfterValidator(check)


RecordType = Annotated[str, _known("rdatatype", "record type")]
RecordClass = Annotated[str, _known("rdataclass", "record class")]
Rcode = Annotated[str, _known("rcode", "response code")]
_Header = Annotated[
    str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x08\x0a-\x1f]*$")
]
_Status = Annotated[str, Field(pattern=r"^[1-5](xx|[0-9]{2})$")]


class _Probe(Section):
    """What all probes share."""

    name: Name = Field(
        description="Unique name; jobs and `/probe?module=` use it.", examples=["ping"]
    )
    kind: str = Field(description="What is tried.")
    timeout: Positive = Field(5.0, description="When an answer comes too late.")
    family: Family = Field(
        "auto",
        description="Address family; `auto` takes IPv6 where both ends have it, else "
        "IPv4.",
    )
    source: str = Field("", description="Local address to send from; empty for any.")
    interface: str = Field(
        "", description="Interface or VRF to send through; empty for any."
    )
    namespace: str = Field(
        "",
        description="Network namespace to send from, by name or path; empty for that "
        "of the exporter.",
    )


class IcmpProbe(_Probe):
    """Echo requests: loss, round-trip times, jitter."""

    kind: Literal["icmp"] = Field(description="Echo requests.")
    count: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        1, description="Requests in one run."
    )
    spacing: Annotated[Duration, Field(ge=0.001)] = Field(
        1.0, description="Time between two requests to a destination."
    )
    timeout: Positive = Field(
        1.0, description="When a reply is late; counted as lost, and as late."
    )
    size: Annotated[Whole, Field(ge=24, le=65507)] = Field(
        56, description="Bytes behind the ICMP header."
    )
    dscp: Annotated[Whole, Field(ge=0, le=63)] = Field(
        0, description="Differentiated services code point of the requests."
    )
    ttl: Annotated[Whole, Field(ge=1, le=255)] = Field(
        64, description="Hops that requests may take."
    )
    dont_fragment: Switch = Field(
        default=False, description="Forbid routers to divide the packet."
    )


class TracerouteProbe(_Probe):
    """The way to a destination: every hop, its loss and times."""

    kind: Literal["traceroute"] = Field(description="The way to a destination.")
    max_hops: Annotated[Whole, Field(ge=1, le=64)] = Field(
        30, description="Hops that are looked at."
    )
    queries: Annotated[Whole, Field(ge=1, le=20)] = Field(
        3, description="Packets for each hop."
    )
    protocol: Literal["icmp", "udp"] = Field(
        "icmp", description="What is sent; `udp` needs no rights on Linux."
    )
    timeout: Positive = Field(2.0, description="When a hop's answer comes too late.")


class TlsSettings(Section):
    """How certificates are judged, and shown."""

    verify: Switch = Field(
        default=True, description="Fail where the certificate is not in order."
    )
    ca_file: str = Field(
        "", description="File of trusted authorities; empty for the system's."
    )
    cert_file: str = Field("", description="File with our own certificate.")
    key_file: str = Field("", description="File with the key of our certificate.")
    server_name: str = Field(
        "", description="Name that is asked for and verified; empty for the target's."
    )
    min_version: Literal["1.0", "1.1", "1.2", "1.3"] = Field(
        "1.2", description="Oldest version of TLS that is agreed to."
    )


class Exchange(Section):
    """One step of a conversation: wait for a line, then say one."""

    expect: LinearRegex = Field(
        "", description="Regular expression that a line must match; empty for none."
    )
    send: str = Field(
        "",
        description=r"Line that is sent, with a line feed behind it; `\1` is what the "
        "first group matched.",
    )
    starttls: Switch = Field(default=False, description="Go over to TLS afterwards.")


class TcpProbe(_Probe):
    """A connection, and what is said on it."""

    kind: Literal["tcp"] = Field(description="A connection.")
    port: Port | None = Field(
        None, description="Port, where the destination names none.", examples=[22]
    )
    tls: Switch = Field(default=False, description="Speak TLS from the start.")
    tls_settings: TlsSettings = TlsSettings()
    exchanges: tuple[Exchange, ...] = Field(
        (), description="What is expected and said, step by step."
    )


class TlsProbe(_Probe):
    """A TLS handshake and the certificates that are shown in it."""

    kind: Literal["tls"] = Field(description="A TLS handshake.")
    port: Port = Field(443, description="Port, where the destination names none.")
    starttls: Literal["", "smtp", "imap", "pop3", "ftp", "postgres"] = Field(
        "", description="Protocol in which TLS is asked for first."
    )
    tls_settings: TlsSettings = TlsSettings()


class HeaderMatch(Section):
    """A header and what it must, or must not, hold."""

    header: str = Field(
        min_length=1, description="Name of the header.", examples=["Content-Type"]
    )
    regex: LinearRegex = Field(
        description="Regular expression on its value.", examples=["^text/html"]
    )
    allow_missing: Switch = Field(
        default=False, description="Whether the header may be left out."
    )


class HttpProbe(_Probe):
    """A request and its answer, phase by phase."""

    kind: Literal["http"] = Field(description="A request and its answer.")
    url: str = Field(
        "http://{host}/",
        description="What is asked for; `{host}` is the destination, unless that is a "
        "URL itself.",
    )
    method: str = Field(
        "GET", pattern="^[A-Z]+$", description="Method, in capital letters."
    )
    headers: tuple[_Header, ...] = Field(
        (), description="Headers, as `Name: value`; may replace `Host`."
    )
    body: str = Field("", description="Body of the request.")
    statuses: tuple[_Status, ...] = Field(
        ("2xx",), description="Wanted statuses, as `204` or `2xx`."
    )
    versions: tuple[Literal["1.0", "1.1", "2"], ...] = Field(
        (), description="Wanted versions of HTTP; empty for any."
    )
    http2: Switch = Field(default=True, description="Offer HTTP/2 where TLS is used.")
    compression: Switch = Field(
        default=False, description="Accept compressed answers, and unpack them."
    )
    follow_redirects: Switch = Field(default=True, description="Follow redirects.")
    max_redirects: Annotated[Whole, Field(ge=0, le=50)] = Field(
        10, description="Redirects that are followed before giving up."
    )
    max_body: Size = Field(
        16 * 2**20, description="Largest answer that is read, unpacked."
    )
    tls: Literal["any", "required", "forbidden"] = Field(
        "any", description="Whether the last answer must come over TLS."
    )
    tls_settings: TlsSettings = TlsSettings()
    body_matches: tuple[LinearRegex, ...] = Field(
        (), description="Regular expressions that the body must all match."
    )
    body_lacks: tuple[LinearRegex, ...] = Field(
        (), description="Regular expressions that the body must not match."
    )
    header_matches: tuple[HeaderMatch, ...] = Field(
        (), description="Headers that must match."
    )
    header_lacks: tuple[HeaderMatch, ...] = Field(
        (), description="Headers that must not match."
    )
    proxy: str = Field(
        "",
        pattern=r"^((http|socks5)://[^/@\s]+/?)?$",
        description="URL of a proxy, `http://...` or `socks5://...`.",
    )
    user: str = Field("", description="User for basic authentication.")
    password_secret: str = Field(
        "", description="Secret of the agent with the password of `user`."
    )
    bearer_secret: str = Field(
        "", description="Secret of the agent with a bearer token."
    )

    @model_validator(mode="after")
    def _one_kind_of_authentication(self) -> Self:
        if self.bearer_secret and (self.user or self.password_secret):
            raise ValueError(
                "bearer_secret: there is a user as well; use one of the two"
            )
        return self


class DnsProbe(_Probe):
    """A question to a name server; the destination is the server."""

    kind: Literal["dns"] = Field(description="A question to a name server.")
    query: str = Field(
        description="Name that is asked about.", examples=["example.org"]
    )
    record_type: RecordType = Field("A", description="Type of record.")
    record_class: RecordClass = Field("IN", description="Class of record.")
    transport: Literal["udp", "tcp", "tls"] = Field(
        "udp", description="How the server is asked."
    )
    port: Port | None = Field(
        None,
        description="Port of the server; 53, or 853 for TLS, if left out.",
        examples=[5353],
    )
    recursion: Switch = Field(default=True, description="Ask the server to ask others.")
    rcodes: tuple[Rcode, ...] = Field(
        ("NOERROR",), description="Wanted response codes."
    )
    answer_matches: tuple[LinearRegex, ...] = Field(
        (), description="Regular expressions; all answers must match one of them."
    )
    answer_lacks: tuple[LinearRegex, ...] = Field(
        (), description="Regular expressions that no answer may match."
    )
    authority_matches: tuple[LinearRegex, ...] = Field(
        (), description="The same of records in the authority section."
    )
    authority_lacks: tuple[LinearRegex, ...] = Field(
        (), description="The same of records in the authority section."
    )
    additional_matches: tuple[LinearRegex, ...] = Field(
        (), description="The same of additional records."
    )
    additional_lacks: tuple[LinearRegex, ...] = Field(
        (), description="The same of additional records."
    )
    tls_settings: TlsSettings = TlsSettings()


class ThroughputProbe(_Probe):
    """Bytes per second of a download, bounded in bytes and time."""

    kind: Literal["throughput"] = Field(description="A download, timed.")
    url: str = Field(
        "http://{host}/", description="What is fetched; `{host}` is the destination."
    )
    max_bytes: Size = Field(10 * 2**20, description="Stop after this many bytes.")
    max_time: Positive = Field(5.0, description="Stop after this long.")
    min_rate: Annotated[Size, Field(ge=0)] = Field(
        0, description="Bytes per second below which it counts as a failure."
    )
    tls_settings: TlsSettings = TlsSettings()
    timeout: Positive = Field(10.0, description="When the first byte comes too late.")


Probe = Annotated[
    IcmpProbe
    | TracerouteProbe
    | TcpProbe
    | TlsProbe
    | HttpProbe
    | DnsProbe
    | ThroughputProbe,
    Field(discriminator="kind"),
]
