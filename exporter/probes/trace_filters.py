"""Has the kernel keep echo replies of others from a raw socket.

A raw socket receives every ICMP message of the host, which is thousands a second where
many destinations are probed. Errors are let through: about whom they are is told by
what they quote, somewhere behind.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

from exporter.probes.echo import reply_type

SO_ATTACH_FILTER: Final = 26

# Instructions of the classic filter (bpf(4)): load a byte or half a word, at a fixed
# place or behind the IP header, whose length X is; jump; return.
_HEADER_TO_X: Final = 0xB1
_BYTE, _BYTE_BEHIND_X = 0x30, 0x50
_HALF, _HALF_BEHIND_X = 0x28, 0x48
_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_EVERYTHING: Final = 0x40000
_INSTRUCTION: Final = struct.Struct("=HBBI")


def keep_own_replies(sock: socket.socket, family: int, identifier: int) -> None:
    """Let a raw socket have echo replies of an identifier, and all errors."""
    is_v4 = family == socket.AF_INET
    program = [
        # The length of the IP header, which only sockets of IPv4 receive.
        *([(_HEADER_TO_X, 0, 0, 0)] if is_v4 else []),
        (_BYTE_BEHIND_X if is_v4 else _BYTE, 0, 0, 0),
        (_IF_EQUAL, 0, 2, reply_type(family)),
        (_HALF_BEHIND_X if is_v4 else _HALF, 0, 0, 4),
        (_IF_EQUAL, 0, 1, identifier),
        (_RETURN, 0, 0, _EVERYTHING),
        (_RETURN, 0, 0, 0),
    ]
    text = b"".join(_INSTRUCTION.pack(*each) for each in program)
    # struct sock_fprog: how many instructions, and where they are.
    place = ctypes.create_string_buffer(text)
    told = struct.pack("@HP", len(program), ctypes.addressof(place))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, told)
