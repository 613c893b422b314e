"""Certificate authorities for tests, and what they can get wrong."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and those above it that a server shows."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def files(self, folder: Path, name: str) -> tuple[Path, Path]:
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        shown = (self.certificate, *self.above)
        chain.write_bytes(b"".join(pem(one) for one in shown))
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return chain, key

    def encrypted_key(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )

    def context(self, folder: Path, *alpn: str, name: str = "server") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(folder, name))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


def issue(
    name: str,
    by: Issued | None = None,
    *,
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + 90 * DAY,
    ca: bool = False,
    names: tuple[str, ...] = ("good.test", "127.0.0.1"),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Issued:
    """Return a certificate that `by` has signed, or itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    signer = by.key if by else key
    issuer = by.certificate.subject if by else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    if not ca and names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(one) for one in names]),
            critical=False,
        )
    return Issued(builder.sign(signer, hashes.SHA256()), key)


@dataclass(frozen=True)
class Pki:
    """An authority that is trusted, and where servers keep their files."""

    root: Issued
    file: Path
    folder: Path

    @property
    def trust(self) -> dict[str, Any]:
        """Return the tls_settings of who trusts it."""
        return {"ca_file": str(self.file)}

    def own_files(self) -> tuple[Path, Path]:
        """Return the files of a certificate of a client, and of its key."""
        return issue("me", self.root).files(self.folder, "me")

    def context(self, *alpn: str, names: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return that of a server whose certificate is in order for some names."""
        wanted = names or ("good.test", "127.0.0.1")
        return issue("leaf", self.root, names=wanted).context(self.folder, *alpn)


def showing(issued: Issued, *above: Issued) -> Issued:
    """Return what a server shows that shows these as well."""
    return Issued(
        issued.certificate, issued.key, tuple(one.certificate for one in above)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
