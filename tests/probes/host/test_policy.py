"""Lines of the audit log and the kernel's log.

In the forms of audit.rules(7), of the SELinux Notebook ("AVC Audit Events"), of AppArmor's wiki and of the
kernel's Documentation/admin-guide/LSM/landlock.rst.
"""

from __future__ import annotations

import time

import pytest

from synscope.probes.host import policy
from synscope.probes.host.snapshot import Denial

AVC = (
    'type=AVC msg=audit(1700000000.123:456): avc:  denied  { name_bind } for  pid=4242 comm="nginx" src=8080 '
    "scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:http_cache_port_t:s0 tclass=tcp_socket "
    "permissive=0"
)
APPARMOR = (
    'audit: type=1400 audit(1700000000.500:78): apparmor="DENIED" operation="create" class="net" '
    'profile="/usr/bin/web" pid=77 comm="web" family="inet" sock_type="stream" protocol=6 requested_mask="create"'
)
SECCOMP = (
    "audit: type=1326 audit(1700000000.000:9): auid=0 uid=0 gid=0 pid=88 "
    'comm="sandboxed" exe="/x" sig=0 syscall=49 compat=0'
)
LANDLOCK = (
    "type=LANDLOCK_ACCESS msg=audit(1700000000.002:30): domain=195ba459b blockers=net.bind_tcp src=8080 "
    'pid=5 comm="boxed"'
)


@pytest.mark.parametrize(
    ("line", "denial"),
    [
        (LANDLOCK, Denial("Landlock", "boxed", "net.bind_tcp", 1_700_000_000_002_000_000, 5, 8080)),
        (LANDLOCK.replace("net.bind_tcp", "fs.make_sock"), None),
        (AVC, Denial("SELinux", "nginx", "name_bind", 1_700_000_000_123_000_000, 4242, 8080)),
        (APPARMOR, Denial("AppArmor", "web", "create", 1_700_000_000_500_000_000, 77)),
        (SECCOMP, Denial("seccomp", "sandboxed", "", 1_700_000_000_000_000_000, 88)),
        (AVC.replace("permissive=0", "permissive=1"), None),
        (AVC.replace("name_bind", "read").replace("tcp_socket", "file"), None),
        (SECCOMP.replace("syscall=49", "syscall=2"), None),
        ("usb 1-1: new device", None),
        ("avc:  denied  { " + "a" * 100_000, None),
    ],
)
def test_lines(line: str, denial: Denial | None) -> None:
    assert policy.parse(line) == denial


def test_looking_ends_in_time() -> None:
    began = time.monotonic()
    policy.look(began + 0.2)
    assert time.monotonic() - began < 10
