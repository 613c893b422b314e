"""Gets through proxies: HTTP's CONNECT (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928)."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING, Final

from exporter.probes.base import ProbeFailed
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from exporter.probes.streams import Stream

_LARGEST_HEAD: Final = 16 * 1024
_STATUS_LINE: Final = 2
_REPLIES: Final = {
    1: (Reason.PROTOCOL_ERROR, "it failed"),
    2: (Reason.NOT_ALLOWED, "its rules do not allow it"),
    3: (Reason.UNREACHABLE, "the network is unreachable"),
    4: (Reason.UNREACHABLE, "the host is unreachable"),
    5: (Reason.REFUSED, "the connection was refused"),
    6: (Reason.TTL_EXCEEDED, "the packet went too far"),
    7: (Reason.PROTOCOL_ERROR, "it knows no CONNECT"),
    8: (Reason.PROTOCOL_ERROR, "it does not know this kind of address"),
}
_ADDRESS_SIZES: Final = {1: 4, 4: 16}
_NAME: Final = 3


async def tunnel(stream: Stream, host: str, port: int) -> None:
    """Have an HTTP proxy connect to a host; raise ProbeFailed where it does not."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    await stream.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    head = bytearray()
    while b"\r\n\r\n" not in head:
        chunk = await stream.read()
        head += chunk
        if not chunk or len(head) > _LARGEST_HEAD:
            raise ProbeFailed(Reason.PROTOCOL_ERROR, "the proxy gave no HTTP answer")
    words = bytes(head).split(b"\r\n")[0].decode("latin-1").split(maxsplit=2)
    if len(words) < _STATUS_LINE or not words[0].startswith("HTTP/1."):
        raise ProbeFailed(Reason.PROTOCOL_ERROR, "the proxy does not speak HTTP")
    if not words[1].startswith("2"):
        said = " ".join(words[1:])[:100]
        raise ProbeFailed(Reason.PROTOCOL_ERROR, f"the proxy refuses: {said}")
    if not head.endswith(b"\r\n\r\n"):
        raise ProbeFailed(Reason.PROTOCOL_ERROR, "the proxy talks before TLS begins")


async def socks(stream: Stream, host: str, port: int) -> None:
    """Have a SOCKS proxy connect to a host; raise ProbeFailed where it does not."""
    await stream.write(b"\x05\x01\x00")
    if await stream.read_exactly(2) != b"\x05\x00":
        raise ProbeFailed(
            Reason.PROTOCOL_ERROR, "the proxy is no SOCKS 5, or wants a password"
        )
    await stream.write(b"\x05\x01\x00" + _socks_address(host) + struct.pack("!H", port))
    reply = await stream.read_exactly(4)
    if len(reply) < 4:  # noqa: PLR2004
        raise ProbeFailed(Reason.RESET, "the proxy hung up")
    if reply[1]:
        reason, text = _REPLIES.get(reply[1], (Reason.PROTOCOL_ERROR, "it failed"))
        raise ProbeFailed(reason, f"the proxy did not get through: {text}")
    size = _ADDRESS_SIZES.get(reply[3])
    if size is None:
        size = (await stream.read_exactly(1) or b"\x00")[0]
    await stream.read_exactly(size + 2)


def _socks_address(host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host.partition("%")[0]).packed
    except ValueError:
        name = host.encode("ascii")
        return bytes([_NAME, len(name)]) + name
    kind = next(kind for kind, size in _ADDRESS_SIZES.items() if size == len(packed))
    return bytes([kind]) + packed
