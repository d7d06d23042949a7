"""Small programs for the kernel's hooks, as bytecode: each discards TCP segments to one port."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from collections.abc import Iterator

_BPF = 321
"""Number of bpf(2) on x86-64."""
_LOAD, _ATTACH, _LINK = 5, 8, 28
SOCKET_FILTER, SCHED, XDP, CGROUP_SKB = 1, 3, 6, 8
"""Types of programs (linux/bpf.h)."""
AT_INGRESS, AT_EGRESS, AT_XDP = 46, 47, 37
_CGROUP_EGRESS = 1
_GENERIC_XDP = 2
_LICENSE = ctypes.create_string_buffer(b"GPL")


def _call(command: int, attributes: bytes) -> int:
    kept = ctypes.create_string_buffer(attributes, 128)
    done: int = ctypes.CDLL(None, use_errno=True).syscall(_BPF, command, kept, 128)
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return done


def _instruction(code: int, registers: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, registers, offset, value)


def load(kind: int, instructions: bytes, name: bytes = b"test_drop", at: int = 0) -> int:
    """Load a program; return its descriptor."""
    kept = ctypes.create_string_buffer(instructions)
    number = len(instructions) // 8
    attributes = struct.pack(
        "=IIQQIIQII16sII",
        *(kind, number, ctypes.addressof(kept), ctypes.addressof(_LICENSE), 0, 0, 0, 0, 0, name, 0, at),
    )
    return _call(_LOAD, attributes)


def discarding(port: int, at: int, drop: int, otherwise: int) -> bytes:
    """A program that returns ``drop`` for segments whose port of destination, at byte ``at``, is ``port``."""
    return b"".join(
        (
            _instruction(0xBF, 0x16),  # r6 = r1, where LD_ABS wants the context
            _instruction(0x28, 0, 0, at),  # r0 = the half word there
            _instruction(0x55, 0x00, 2, port),  # if r0 != port, skip two
            _instruction(0xB7, 0, 0, drop),
            _instruction(0x95),
            _instruction(0xB7, 0, 0, otherwise),
            _instruction(0x95),
        )
    )


def discarding_xdp(port: int) -> bytes:
    """The same with direct access to an Ethernet frame, as XDP wants it."""
    return b"".join(
        (
            _instruction(0x61, 0x12, 0),  # r2 = data
            _instruction(0x61, 0x13, 4),  # r3 = data_end
            _instruction(0xBF, 0x24),  # r4 = r2
            _instruction(0x07, 0x04, 0, 38),  # r4 += 38
            _instruction(0x2D, 0x34, 4),  # if r4 > r3, pass
            _instruction(0x69, 0x25, 36),  # r5 = the half word at 36
            _instruction(0x55, 0x05, 2, socket.htons(port)),  # if r5 != port, pass
            _instruction(0xB7, 0, 0, 1),
            _instruction(0x95),
            _instruction(0xB7, 0, 0, 2),
            _instruction(0x95),
        )
    )


def link(program: int, index: int, at: int) -> int:
    """Attach a program to an interface for as long as the descriptor that is returned is open."""
    flags = _GENERIC_XDP if at == AT_XDP else 0
    return _call(_LINK, struct.pack("=IIII", program, index, at, flags))


@contextlib.contextmanager
def on_interface(kind: int, instructions: bytes, index: int, at: int) -> Iterator[None]:
    """Attach a program for the block."""
    program = load(kind, instructions)
    try:
        attached = link(program, index, at)
        try:
            yield
        finally:
            os.close(attached)
    finally:
        os.close(program)


def attach_to_cgroup(folder: str) -> None:
    """Have all that the processes of a control group send discarded, until the folder is removed."""
    drop_all = _instruction(0xB7) + _instruction(0x95)
    program = load(CGROUP_SKB, drop_all, b"test_egress", _CGROUP_EGRESS)
    group = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _call(_ATTACH, struct.pack("=IIII", group, program, _CGROUP_EGRESS, 0))
    finally:
        os.close(group)
        os.close(program)
