"""Servers on loopback that probes are tried on, good ones and bad ones."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import socket
import socketserver
import ssl
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import free_port
from tests.web import Asked, FakeWeb, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DAY = dt.timedelta(days=1)


class Authority:
    """Issues certificates into a directory; `ca_file` is its own."""

    def __init__(self, directory: Path, name: str = "Authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca_file = directory / f"{name}.pem"
        own = self._signed(self._name, self._key.public_key(), (-9, 99), ca=True)
        self.ca_file.write_bytes(own)

    def issue(self, name: str, *names: str, days: tuple[int, int] = (-5, 50)) -> Path:
        """Return a certificate for host names and addresses; its key lies beside it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        path = self._directory / f"{name}.pem"
        path.write_bytes(self._signed(subject, key.public_key(), days, names))
        path.with_suffix(".key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        days: tuple[int, int],
        names: tuple[str, ...] = (),
        *,
        ca: bool = False,
    ) -> bytes:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(
                x509.BasicConstraints(ca=ca, path_length=None), critical=True
            )
        )
        if names:
            alternatives = x509.SubjectAlternativeName(list(map(_general, names)))
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


_MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"

_PACKED = gzip.compress(b"packed " * 100)
_PAGES = {
    "/": Told(b"hello world\n", headers={"Last-Modified": _MODIFIED}),
    "/missing": Told(b"no", status=404),
    "/moved": Told(b"", status=302, headers={"Location": "/"}),
    "/loop": Told(b"", status=302, headers={"Location": "/loop"}),
    "/chunked": Told(b"piece by piece", chunked=True),
    "/packed": Told(_PACKED, headers={"Content-Encoding": "gzip"}),
    "/slow": Told(b"never", cut=0, stall=True),
}


def site(asked: Asked) -> Told:
    """A web site where everything that can happen does."""
    return _PAGES.get(asked.path) or Told(b"what?", status=500)


def leading_to(url: str) -> Callable[[Asked], Told]:
    """Return the same site, where `/elsewhere` is a redirect to another one."""

    def answer(asked: Asked) -> Told:
        if asked.path == "/elsewhere":
            return Told(b"", status=302, headers={"Location": url})
        return site(asked)

    return answer


class _Talk(socketserver.BaseRequestHandler):
    """Says lines, and answers what it hears; STARTTLS is taken seriously."""

    server: Talker

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(30)
        try:
            self.server.talk(connection)
        except OSError:
            pass
        finally:
            connection.close()


class Talker(socketserver.ThreadingTCPServer):
    """A TCP server whose conversations a function has."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.talk = talk

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server that has such conversations."""
    server = Talker(talk)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2 Debian\r\n")
    connection.recv(100)


def curt(connection: socket.socket) -> None:
    connection.sendall(b"550 go away\r\n")


def silence(connection: socket.socket) -> None:
    connection.recv(100)


def echo(connection: socket.socket) -> None:
    connection.sendall(b"PING abc\n")
    if connection.recv(100) == b"PONG abc\n":
        connection.sendall(b"welcome\n")


def mail(certificate: Path) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example.org ESMTP\r\n")
        connection.recv(100)
        connection.sendall(b"250-mail.example.org\r\n250 STARTTLS\r\n")
        connection.recv(100)
        connection.sendall(b"220 go ahead\r\n")
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(100)
            secure.sendall(b"250 mail.example.org\r\n")
            secure.recv(100)

    return talk


@contextmanager
def naming() -> Iterator[int]:
    """Yield the port of a name server for example.org, over UDP."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    port: int = sock.getsockname()[1]
    thread = threading.Thread(target=_serve_names, args=(sock,))
    thread.start()
    try:
        yield port
    finally:
        sock.sendto(b"stop", ("127.0.0.1", port))
        thread.join()
        sock.close()


def _serve_names(sock: socket.socket) -> None:
    while True:
        wire, client = sock.recvfrom(4096)
        if wire == b"stop":
            return
        query = dns.message.from_wire(wire)
        name, kind = str(query.question[0].name), query.question[0].rdtype.name
        answer = dns.message.make_response(query)
        found = _RECORDS.get((name, kind))
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.authority.append(_records(_SOA))
        else:
            answer.answer.append(_records(found))
        if name != "silent.example.org.":
            sock.sendto(answer.to_wire(), client)


_SOA = ("SOA", "ns.example.org. me.example.org. 2026 1 2 3 4")


def _records(of: tuple[str, ...]) -> dns.rrset.RRset:
    kind, *texts = of
    return dns.rrset.from_text("example.org.", 300, "IN", kind, *texts)


_RECORDS = {
    ("example.org.", "SOA"): _SOA,
    ("example.org.", "A"): ("A", "192.0.2.1", "192.0.2.2"),
    ("example.org.", "MX"): ("MX", "10 mx.example.org."),
}


@dataclass(frozen=True)
class Probed:
    """Where servers listen; `shut` is a port where none does."""

    ca_file: Path
    web: str
    good: str
    expired: str
    misnamed: str
    untrusted: str
    banner: int
    curt: int
    silence: int
    echo: int
    mail: int
    names: int
    shut: int


@contextmanager
def probed(directory: Path) -> Iterator[Probed]:
    """Start all of them."""
    authority, other = Authority(directory), Authority(directory, "Stranger")
    here = ("localhost", "127.0.0.1")
    good = authority.issue("good", *here)
    certificates = (
        good,
        authority.issue("expired", *here, days=(-5, -1)),
        authority.issue("misnamed", "elsewhere.example.org"),
        other.issue("untrusted", *here),
    )
    with ExitStack() as stack:
        enter = stack.enter_context
        good_url, expired, misnamed, untrusted = (
            enter(FakeWeb(site, certificate)).url for certificate in certificates
        )
        yield Probed(
            ca_file=authority.ca_file,
            web=enter(FakeWeb(leading_to(expired))).url,
            good=good_url,
            expired=expired,
            misnamed=misnamed,
            untrusted=untrusted,
            banner=enter(talking(banner)),
            curt=enter(talking(curt)),
            silence=enter(talking(silence)),
            echo=enter(talking(echo)),
            mail=enter(talking(mail(good))),
            names=enter(naming()),
            shut=free_port(),
        )
