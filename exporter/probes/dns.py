"""A question to a name server, and whether its answer is as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from exporter.probes import dns_asking
from exporter.probes.base import ProbeFailed
from exporter.probes.connecting import find
from exporter.probes.hosts import ascii_name, place_of
from exporter.probes.patterns import first_matching
from exporter.probes.tls_session import Wanted
from exporter.probes.trial import Trial, conduct
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rrset import RRset

    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import DnsProbe
    from runtime.probing.wire import Result

_PORT: Final = 53
_TLS_PORT: Final = 853
_MOST_RECORDS: Final = 100
"""Records whose texts are told; all are counted and matched."""


async def probe(target: Target, settings: DnsProbe, tools: Tools) -> Result:
    """Ask the target, which is a name server, and judge its answer."""
    trial = Trial(target, settings, tools)
    trial.facts["succeeded"] = False
    return await conduct(trial, lambda: _ask(trial, settings))


async def _ask(trial: Trial, settings: DnsProbe) -> None:
    place = place_of(trial.target.host)
    usual = _TLS_PORT if settings.transport == "tls" else _PORT
    port = place.port or settings.port or usual
    query = _query(settings, trial.tools.random_bytes(2))
    address = await find(trial, place.host, port)
    if settings.transport == "udp":
        answer = await dns_asking.over_udp(trial, query, address, port)
        if answer.flags & dns.flags.TC:
            trial.facts["truncated"] = True
            trial.log.say("the answer is truncated; asking again over TCP")
            answer = await dns_asking.over_tcp(trial, query, address, port)
    else:
        wanted = None
        if settings.transport == "tls":
            wanted = Wanted(settings.tls_settings, ascii_name(place.host))
        answer = await dns_asking.over_tcp(trial, query, address, port, wanted)
    trial.rtts = (trial.phases["request"],)
    _tell(trial, answer)
    _judge(settings, answer)


def _query(settings: DnsProbe, random: bytes) -> dns.message.QueryMessage:
    try:
        name = dns.name.from_text(settings.query, idna_codec=dns.name.IDNA_2008_UTS_46)
    except dns.exception.DNSException as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS, f"query: {settings.query!r} is no name: {error}"
        ) from error
    return dns.message.make_query(
        name,
        settings.record_type,
        settings.record_class,
        flags=dns.flags.RD if settings.recursion else 0,
        id=int.from_bytes(random, "big"),
    )


def _tell(trial: Trial, answer: dns.message.Message) -> None:
    sections = {
        "answers": answer.answer,
        "authority": answer.authority,
        "additional": answer.additional,
    }
    texts = _texts(answer.answer)
    trial.facts |= {name: len(_texts(rrsets)) for name, rrsets in sections.items()}
    trial.facts |= {
        "rcode": dns.rcode.to_text(answer.rcode()),
        "succeeded": True,
        "records": texts[:_MOST_RECORDS],
        "truncated": trial.facts.get("truncated", False),
    }
    serials = [
        record.serial
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.SOA
        for record in rrset
    ]
    if len(serials) == 1:
        trial.facts["serial"] = serials[0]
    counts = ", ".join(f"{trial.facts[name]} {name}" for name in sections)
    trial.log.say(f"{trial.facts['rcode']}: {counts}")


def _texts(rrsets: Sequence[RRset]) -> list[str]:
    """Return records as in a zone file (RFC 1035, 5.1), with tabs between fields."""
    return [
        f"{rrset.name}\t{rrset.ttl}\t{dns.rdataclass.to_text(rrset.rdclass)}\t"
        f"{dns.rdatatype.to_text(rrset.rdtype)}\t{record}"
        for rrset in rrsets
        for record in rrset
    ]


def _judge(settings: DnsProbe, answer: dns.message.Message) -> None:
    rcode = answer.rcode()
    if rcode not in {dns.rcode.from_text(text) for text in settings.rcodes}:
        raise ProbeFailed(
            Reason.WRONG_RCODE,
            f"the response code is {dns.rcode.to_text(rcode)}, not "
            f"{', '.join(settings.rcodes)}",
        )
    for section, rrsets in (
        ("answer", answer.answer),
        ("authority", answer.authority),
        ("additional", answer.additional),
    ):
        _judge_section(settings, section, _texts(rrsets))


def _judge_section(settings: DnsProbe, section: str, texts: list[str]) -> None:
    matches: Any = getattr(settings, f"{section}_matches")
    lacks: Any = getattr(settings, f"{section}_lacks")
    if matches and not texts:
        raise ProbeFailed(
            Reason.ANSWER_MISMATCH,
            f"the {section} section is empty ({section}_matches)",
        )
    for text in texts:
        if matches and first_matching(matches, text.encode()) is None:
            raise ProbeFailed(
                Reason.ANSWER_MISMATCH,
                f"no expression of {section}_matches matches {text!r}",
            )
        unwanted = first_matching(lacks, text.encode())
        if unwanted is not None:
            raise ProbeFailed(
                Reason.ANSWER_MISMATCH,
                f"{text!r} matches {unwanted!r} ({section}_lacks)",
            )
