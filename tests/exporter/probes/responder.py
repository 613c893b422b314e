"""Answers echo requests in a network namespace of its own, as well or badly as told.

As a program it reads its rules from standard input, a line of JSON, answers until
standard input ends, and then prints what it did. The kernel itself answers nothing in
there, unless no rules at all are given.
"""

from __future__ import annotations

import ctypes
import heapq
import ipaddress
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[3]
NETWORK_V6 = "fd00:7::/64"
"""All of its addresses are local in the namespace, as those of 127.0.0.0/8 are."""
ANYBODY = "*"
SO_TIMESTAMPNS = 35
IPV6_FREEBIND = 78
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Action:
    """What is done about one request: how often and when, from where, how it is spoilt.

    `damage` is the byte of the ICMP message in which a bit is turned, -1 for none;
    `error` is an ICMP type and code that is sent instead of a reply, which quotes so
    many bytes of the request.
    """

    delay: float = 0.0
    copies: int = 1
    damage: int = -1
    source: str = ""
    error: tuple[int, int] | None = None
    quoted: int = 576


LOSS = Action(copies=0)


@dataclass(frozen=True)
class Answered:
    """A request that was answered: where it went, which, and how long that took.

    `seconds` run from the kernel's stamp of the request to the sending of the answer.
    """

    destination: str
    sequence: int
    seconds: float
    ttl: int
    tos: int
    fragmentable: bool
    checksum: int
    source: str


class Responder:
    """A responder that runs, as a context; `stop` returns what it did.

    `rules` are a destination's actions, which its requests meet in turn. `pingable`
    lets every group use datagram sockets.
    """

    def __init__(
        self,
        rules: Mapping[str, Sequence[Action]] | None = None,
        *,
        pingable: bool = True,
    ) -> None:
        self._rules = rules
        self._pingable = pingable

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.exporter.probes.responder"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        rules = None
        if self._rules is not None:
            rules = {
                name: [asdict(action) for action in actions]
                for name, actions in self._rules.items()
            }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = json.dumps({"rules": rules, "pingable": self._pingable})
        self._process.stdin.write(told + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            self._process.communicate()
            raise RuntimeError("the responder did not come up")
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.returncode is None:
            self._process.communicate()

    @property
    def namespace(self) -> str:
        """The path of its network namespace."""
        return f"/proc/{self._process.pid}/ns/net"

    def run(self, *command: str) -> None:
        """Run a command in the namespace."""
        inside = ["nsenter", f"--net={self.namespace}", *command]
        subprocess.run(inside, check=True, capture_output=True)

    def stop(self) -> list[Answered]:
        """End it and return what it answered, in order."""
        told, _ = self._process.communicate()
        return [Answered(*row) for row in json.loads(told)]


def main() -> None:
    told = json.loads(sys.stdin.readline())
    _move(pingable=told["pingable"])
    if told["rules"] is None:
        print("ready", flush=True)  # noqa: T201 - to the test
        sys.stdin.read()
        print("[]")  # noqa: T201
        return
    rules = {
        name: [Action(**action) for action in actions]
        for name, actions in told["rules"].items()
    }
    sockets = [_listen(socket.AF_INET), _listen(socket.AF_INET6)]
    print("ready", flush=True)  # noqa: T201
    print(json.dumps(_answer(sockets, rules)))  # noqa: T201


def _move(*, pingable: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for command in (
        "ip link set lo up",
        f"ip -6 route add local {NETWORK_V6} dev lo",
    ):
        subprocess.run(command.split(), check=True)
    settings = {"ipv4/ping_group_range": "0 2147483647" if pingable else "1 0"}
    settings |= {"ipv4/icmp_ratelimit": "0", "ipv6/icmp/ratelimit": "0"}
    for name, value in settings.items():
        Path("/proc/sys/net", name).write_text(value, encoding="ascii")


def _listen(family: int) -> socket.socket:
    ignoring = "ipv4/icmp_echo_ignore_all"
    protocol = socket.IPPROTO_ICMP
    if family == socket.AF_INET6:
        ignoring = "ipv6/icmp/echo_ignore_all"
        protocol = socket.IPPROTO_ICMPV6
    Path("/proc/sys/net", ignoring).write_text("1", encoding="ascii")
    made = socket.socket(family, socket.SOCK_RAW, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    wanted = 8 if family == socket.AF_INET else 128
    mask = [0xFFFFFFFF] * 8
    mask[wanted >> 5] &= ~(1 << (wanted & 31))
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_RAW, 1, struct.pack("=I", mask[0]))
    else:
        made.setsockopt(protocol, 1, struct.pack("=8I", *mask))
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    return made


@dataclass(frozen=True)
class Request:
    """An echo request as it arrived."""

    ours: str
    theirs: str
    message: bytes
    packet: bytes
    stamp: int
    ttl: int
    tos: int
    fragmentable: bool


def _read(made: socket.socket) -> Request:
    data, control, _, name = made.recvmsg(66000, 256)
    found = {(level, kind): value for level, kind, value in control}
    seconds, nanoseconds = struct.unpack(
        "=qq", found[socket.SOL_SOCKET, SO_TIMESTAMPNS]
    )
    stamp = seconds * 1_000_000_000 + nanoseconds
    if made.family == socket.AF_INET:
        theirs, ours = (str(ipaddress.ip_address(data[i : i + 4])) for i in (12, 16))
        start = (data[0] & 15) * 4
        fragmentable = not data[6] & 0x40
        return Request(
            ours, theirs, data[start:], data, stamp, data[8], data[1], fragmentable
        )
    level = socket.IPPROTO_IPV6
    packed = found[level, socket.IPV6_PKTINFO][:16]
    (ttl,) = struct.unpack("=i", found[level, socket.IPV6_HOPLIMIT])
    (tos,) = struct.unpack("=i", found[level, socket.IPV6_TCLASS])
    ours = str(ipaddress.ip_address(packed))
    header = struct.pack(">IHBB", 6 << 28, len(data), socket.IPPROTO_ICMPV6, ttl)
    header += ipaddress.ip_address(name[0]).packed + packed
    return Request(ours, name[0], data, header + data, stamp, ttl, tos, True)  # noqa: FBT003


def _answer(
    sockets: list[socket.socket], rules: Mapping[str, Sequence[Action]]
) -> list[Any]:
    sending = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    counts: dict[str, int] = {}
    waiting: list[tuple[float, int, Request, Action]] = []
    done: list[Any] = []
    number = 0
    while True:
        timeout = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
        ready, _, _ = select.select([*sockets, sys.stdin], [], [], timeout)
        if sys.stdin in ready:
            return done
        for made in (one for one in sockets if one in ready):
            request = _read(made)
            actions = rules.get(request.ours) or rules.get(ANYBODY) or [LOSS]
            nth = counts.get(request.ours, 0)
            counts[request.ours] = nth + 1
            action = actions[nth % len(actions)]
            # From when the kernel got it, so that reading late adds nothing.
            due = time.monotonic() + action.delay
            due -= (time.time_ns() - request.stamp) / 1e9
            for _ in range(action.copies):
                number += 1
                heapq.heappush(waiting, (due, number, request, action))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, request, action = heapq.heappop(waiting)
            left = time.time_ns()
            _send(sending, sockets[1], request, action)
            message = request.message
            done.append(
                (
                    request.ours,
                    int.from_bytes(message[6:8], "big"),
                    (left - request.stamp) / 1e9,
                    request.ttl,
                    request.tos,
                    request.fragmentable,
                    int.from_bytes(message[2:4], "big"),
                    request.theirs,
                )
            )


def _send(
    ipv4: socket.socket, ipv6: socket.socket, request: Request, action: Action
) -> None:
    source = action.source or request.ours
    is_ipv4 = "." in request.ours
    if action.error:
        header = bytes((*action.error, 0, 0, 0, 0, 0, 0))
        message = bytearray(header + request.packet[: action.quoted])
    else:
        message = bytearray(request.message)
        message[0] = 0 if is_ipv4 else 129
    if action.damage >= 0:
        message[action.damage] ^= 0x10
    if not is_ipv4:
        packed = ipaddress.ip_address(source).packed
        info = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, packed + bytes(4))
        ipv6.sendmsg([message], [info], 0, (request.theirs, 0))
        return
    message[2:4] = b"\0\0"
    message[2:4] = checksum(message).to_bytes(2, "big")
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(message),
        0,
        0,
        61,
        socket.IPPROTO_ICMP,
        0,
        ipaddress.ip_address(source).packed,
        ipaddress.ip_address(request.theirs).packed,
    )
    ipv4.sendto(header + bytes(message), (request.theirs, 0))


def checksum(message: bytes | bytearray) -> int:
    padded = bytes(message) + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


if __name__ == "__main__":
    os.nice(-5)
    main()
