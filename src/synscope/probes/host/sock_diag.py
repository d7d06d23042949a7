"""Sockets as the Linux kernel lists them, of the calling thread's network namespace.

Input: family, protocol, states, perhaps a port. Output: ``Entry`` rows. Sources: sock_diag(7),
linux/inet_diag.h, linux/tcp.h (TCPF_BOUND_INACTIVE: Linux 6.8).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from synscope.probes.host import netlink

ESTABLISHED: Final = 1
SYN_SENT: Final = 2
SYN_RECEIVED: Final = 3
TIME_WAIT: Final = 6
CLOSE: Final = 7
CLOSE_WAIT: Final = 8
LISTEN: Final = 10
BOUND_INACTIVE: Final = 13
CONNECTED: Final = tuple(range(ESTABLISHED, LISTEN))
"""Every state but listening; closed sockets are not listed."""

_BY_FAMILY: Final = 20
_REQUEST = struct.Struct("=BBBxI48x")
_STATE = struct.Struct("=BBBB")
_PORTS = struct.Struct("!HH")
_COUNTS = struct.Struct("=IIII")
_PORTS_AT: Final = 4
_ADDRESSES_AT: Final = 8
_DEVICE_AT: Final = 40
_COUNTS_AT: Final = 56
_SIZE: Final = 72
_WITH_INFO: Final = 1 << 1
"""Ask for INET_DIAG_INFO: without it the kernel leaves the keys of signatures out too."""
_INFO: Final = 2
"""INET_DIAG_INFO: ``struct tcp_info``."""
_LAST = struct.Struct("=IIII")
"""Milliseconds since data and an acknowledgement were sent and received."""
_LAST_AT: Final = 44
_BYTES_RECEIVED = struct.Struct("=Q")
_BYTES_RECEIVED_AT: Final = 128
_BYTES_SENT_AT: Final = 200
_MD5_KEYS: Final = 18
"""INET_DIAG_MD5SIG: for those who may administer the network."""
_MD5_KEY = struct.Struct("=BBH16s80s")
"""Family, length of the prefix, length of the key, address, key. The key itself is never kept."""
_BYTECODE: Final = 1
_V6ONLY: Final = 11
_LOCAL_PORT_IS: Final = 11
_REMOTE_PORT_IS: Final = 12


class Entry(NamedTuple):
    """One socket."""

    state: int
    address: str
    port: int
    remote_address: str
    remote_port: int
    device: int
    queued: int
    backlog: int
    uid: int
    inode: int
    v6only: bool | None
    signed_for: tuple[str, ...] = ()
    """Networks whose segments must carry a TCP-MD5 signature. Empty too where the kernel does not say."""
    sent_ms: int | None = None
    """Milliseconds since it last sent data; ``None`` where it never did or the kernel does not say."""
    heard_ms: int | None = None
    """Milliseconds since data last came; ``None`` where none ever did or the kernel does not say."""


def sockets(
    protocol: int,
    states: tuple[int, ...],
    *,
    local_port: int | None = None,
    remote_port: int | None = None,
) -> Iterator[Entry]:
    """Yield the sockets of both families in one of ``states``. Raises ``OSError``."""
    mask = sum(1 << state for state in states)
    condition = b""
    if local_port is not None:
        condition = _port_is(_LOCAL_PORT_IS, local_port)
    elif remote_port is not None:
        condition = _port_is(_REMOTE_PORT_IS, remote_port)
    for family in (socket.AF_INET, socket.AF_INET6):
        body = _REQUEST.pack(family, protocol, _WITH_INFO, mask) + condition
        for answer in netlink.ask(netlink.SOCK_DIAG, _BY_FAMILY, body):
            if len(answer) >= _SIZE:
                yield _entry(answer)


def _port_is(code: int, port: int) -> bytes:
    """Return the kernel's filter for a port: two steps of eight bytes in all; a failed test jumps past the end."""
    return netlink.attribute(_BYTECODE, struct.pack("=BBHHH", code, 8, 12, 0, port))


def _entry(data: bytes) -> Entry:
    family, state, _, _ = _STATE.unpack_from(data)
    port, remote_port = _PORTS.unpack_from(data, _PORTS_AT)
    queued, backlog, uid, inode = _COUNTS.unpack_from(data, _COUNTS_AT)
    attributes = netlink.attributes(data[_SIZE:])
    v6only = attributes.get(_V6ONLY)
    sent, heard = _last(attributes.get(_INFO, b""))
    return Entry(
        state=state,
        address=_address(family, data[_ADDRESSES_AT:]),
        port=port,
        remote_address=_address(family, data[_ADDRESSES_AT + 16 :]),
        remote_port=remote_port,
        device=struct.unpack_from("=I", data, _DEVICE_AT)[0],
        queued=queued,
        backlog=backlog,
        uid=uid,
        inode=inode,
        v6only=bool(v6only[0]) if v6only else None,
        signed_for=tuple(_networks(attributes.get(_MD5_KEYS, b""))),
        sent_ms=sent,
        heard_ms=heard,
    )


def _last(info: bytes) -> tuple[int | None, int | None]:
    """Return how long ago data was sent and received: the kernel counts from the handshake where none ever was."""
    if len(info) < _BYTES_SENT_AT + _BYTES_RECEIVED.size:
        return None, None
    sent, _, heard, _ = _LAST.unpack_from(info, _LAST_AT)
    (received,) = _BYTES_RECEIVED.unpack_from(info, _BYTES_RECEIVED_AT)
    (given,) = _BYTES_RECEIVED.unpack_from(info, _BYTES_SENT_AT)
    return (sent if given else None), (heard if received else None)


def _networks(keys: bytes) -> Iterator[str]:
    """Yield the networks that keys are set for; ``keys`` is an array of ``struct tcp_diag_md5sig``."""
    whole = len(keys) - len(keys) % _MD5_KEY.size
    for family, prefix, _, address, _ in _MD5_KEY.iter_unpack(keys[:whole]):
        yield f"{_address(family, address)}/{prefix}"


def _address(family: int, data: bytes) -> str:
    return str(
        ipaddress.IPv4Address(data[:4]) if family == socket.AF_INET else ipaddress.IPv6Address(data[:16])
    )
