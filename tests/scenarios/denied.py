"""A client in a sandbox: ``denied.py PORT`` forbids itself connect() by seccomp, then tries it.

Source: seccomp(2), linux/filter.h; the numbers are those of 64-bit x86 and ARM.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct
import sys

NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
CONNECT = {"x86_64": 42, "aarch64": 203}
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def forbid(call: int) -> None:
    """Let the kernel answer a system call with EACCES from now on."""
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (LOAD_WORD, 0, 0, 0),
            (IF_EQUAL, 0, 1, call),
            (RETURN, 0, 0, ERRNO | errno.EACCES),
            (RETURN, 0, 0, ALLOW),
        )
    )
    rules = ctypes.create_string_buffer(program)
    filtered = struct.pack("HP", len(program) // 8, ctypes.addressof(rules))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SECCOMP, FILTER, filtered, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    forbid(CONNECT[platform.machine()])
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
