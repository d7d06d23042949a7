"""SYN146: the TCP/IP stack itself is damaged."""

from __future__ import annotations

from synscope.causes.cause import Cause, Sign, never, on_each_os, seldom, usually
from synscope.model import Answer, Kind, Stage

CAUSE = Cause(
    code="SYN146",
    slug="stack-fault",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The TCP/IP stack of this machine may be damaged",
    summary="Everything usual is ruled out: the network stack itself may be at fault.",
    meaning=(
        "Very rare, and the last thing to believe. On Windows a damaged Winsock catalogue (left behind by "
        "VPNs and filters) breaks clients in strange ways; elsewhere a broken driver, kernel module or "
        "kernel does. Nothing in a capture proves it: it remains when all else is ruled out, and when "
        "other local ports fail in the same way."
    ),
    documented_in=("A",),
    stops=(Stage.ROUTE, Stage.OUT, Stage.IN, Stage.BACK),
    predicts=(
        usually(Sign("kernel-says-netfilter-drop", Answer.NO)),
        seldom("client-error-refused"),
        seldom("refused-by-icmp"),
        seldom("unreachable-by-icmp"),
        never("some-completed"),
        never("firewall-rule-drops"),
        never("firewall-rule-rejects"),
        never("kernel-says-no-socket"),
    ),
    decided_by="a second local service on another port: if that works, the stack is well",
    checks=on_each_os(
        linux='python3 -c \'import socket as s; a=s.create_server(("127.0.0.1", 0));'
        ' s.create_connection(a.getsockname(), 3); print("loopback works")\'; sudo dmesg | tail -20',
        macos='python3 -c \'import socket as s; a=s.create_server(("127.0.0.1", 0));'
        ' s.create_connection(a.getsockname(), 3); print("loopback works")\'',
        windows="netsh winsock show catalog; Get-WinEvent -FilterHashtable"
        " @{LogName='System'; ProviderName='Tcpip'} -MaxEvents 10",
        expect="no 'loopback works', errors of the network stack in the system log",
        then="repair or restart. 'loopback works' means that the stack is not the cause",
    ),
    fixes=(
        "Restart the machine.",
        "Windows: netsh winsock reset and netsh int ip reset, as administrator, then restart.",
        "Remove VPN clients, filters and drivers that were added last; update the kernel or drivers.",
    ),
    references=(
        "https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/netsh",
        "https://man7.org/linux/man-pages/man1/dmesg.1.html",
    ),
)
