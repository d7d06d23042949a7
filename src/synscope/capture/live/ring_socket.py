"""The privileged half of a live capture on Linux: makes the packet socket, its ring and its filter.

Input: an interface's name, a ring's measures and a filter program as bytes. Output: a bound socket whose
descriptor can be handed to a process without privileges, which maps the ring (``ring.Ring``). Nothing here
reads a frame, and nothing but the standard library is imported: this runs with ``CAP_NET_RAW``.

Invariants: the socket hears no frame before its filter, ring and options are complete, for it is made without
a protocol and hears frames only once it is bound; the filter is locked, so that the process that gets the descriptor
cannot see more than it lets through.

Sources: packet(7), socket(7), the kernel's Documentation/networking/packet_mmap.rst, linux/if_packet.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct

ANY = "any"
"""In place of an interface's name: every interface."""

_SOL_PACKET = 263
_PACKET_RX_RING = 5
_PACKET_VERSION = 10
_PACKET_IGNORE_OUTGOING = 23
_TPACKET_V3 = 2
_SO_ATTACH_FILTER = 26
_SO_LOCK_FILTER = 44
_ETH_P_ALL = 3
_SIOCGIFFLAGS = 0x8913
_IFF_LOOPBACK = 0x8
_NAME_SIZE = 16
_REQUEST_SIZE = 40
_FRAME_SIZE = 2048
_INSTRUCTION_SIZE = 8


class RingError(OSError):
    """No ring could be made. ``strerror`` says why and what helps, ``errno`` is the kernel's number."""


class RingPermissionError(RingError):
    """The process may not open packet sockets."""


class NoSuchInterfaceError(RingError):
    """There is no interface of that name here."""


class RingMemoryError(RingError):
    """The kernel has no memory for a ring of this size; a smaller one may do."""


class RingUnsupportedError(RingError):
    """The system has no packet sockets or no ring of this version."""


def open_ring(
    interface: str, *, block_size: int, block_count: int, retire_ms: int, program: bytes
) -> socket.socket:
    """Return a packet socket on ``interface`` (``ANY``: all) that captures into its ring what ``program`` passes.

    Sizes are in bytes; a block is handed over ``retire_ms`` milliseconds after it was begun at the latest.
    ``program`` is what ``bpf.program_bytes`` returns. On the loopback interface the kernel leaves out the second
    copy of each frame; on any other it must not, for that would hide what this machine sends.
    Raises ``RingError``.
    """
    made = _socket()
    try:
        _attach(made, program)
        made.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        frames = block_size // _FRAME_SIZE * block_count
        request = struct.pack("7I", block_size, block_count, _FRAME_SIZE, frames, retire_ms, 0, 0)
        made.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        if interface != ANY and _is_loopback(made, interface):
            # Unknown before Linux 4.20; the reader of the ring leaves out the copies in any case.
            with contextlib.suppress(OSError):
                made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        if interface == ANY:
            _bind_to_all(made)
        else:
            made.bind((interface, _ETH_P_ALL))
    except OSError as error:
        made.close()
        raise _failure(error, interface, block_size * block_count) from error
    return made


def _socket() -> socket.socket:
    if not hasattr(socket, "AF_PACKET"):
        raise RingUnsupportedError(errno.EAFNOSUPPORT, "packet rings are Linux's; this system has none")
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    except OSError as error:
        raise _failure(error, "", 0) from error


def _attach(made: socket.socket, program: bytes) -> None:
    """Attach the filter for good."""
    instructions = ctypes.create_string_buffer(program, len(program))
    pointer = ctypes.addressof(instructions)
    made.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program) // _INSTRUCTION_SIZE, pointer)
    )
    made.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)


def _bind_to_all(made: socket.socket) -> None:
    """Bind to every interface, which ``socket.bind`` has no word for."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).bind(made.fileno(), address, len(address)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _is_loopback(made: socket.socket, interface: str) -> bool:
    import fcntl  # noqa: PLC0415 - Windows has none, and there this module is imported for its errors alone

    request = struct.pack(f"{_REQUEST_SIZE}s", os.fsencode(interface)[: _NAME_SIZE - 1])
    (flags,) = struct.unpack_from("H", fcntl.ioctl(made, _SIOCGIFFLAGS, request), _NAME_SIZE)
    return bool(flags & _IFF_LOOPBACK)


def _failure(error: OSError, interface: str, size: int) -> RingError:
    number, why = error.errno or 0, error.strerror or str(error)
    if number in {errno.EPERM, errno.EACCES}:
        return RingPermissionError(
            number, "capturing needs root or the capability CAP_NET_RAW, and this process has neither"
        )
    if number in {errno.ENODEV, errno.ENXIO}:
        return NoSuchInterfaceError(number, f"there is no interface {interface!r} here")
    if number in {errno.ENOMEM, errno.ENOBUFS}:
        return RingMemoryError(number, f"the kernel has no memory for a packet ring of {size >> 10} KiB")
    if number in {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.ENOPROTOOPT}:
        return RingUnsupportedError(number, f"this kernel offers no packet ring ({why})")
    return RingError(number, f"no packet ring could be made: {why}")
