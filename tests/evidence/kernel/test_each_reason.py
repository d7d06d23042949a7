"""Each reason that a namespace can have to stop a SYN: it stops there, and the direct witness is what says so.

All are set up at once, each for a port or an address of its own, and tried one after the other.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

if sys.platform != "linux":
    pytest.skip("the kernel's trace is Linux's", allow_module_level=True)

from synscope.analysis import diagnose
from synscope.engine.follower import Follower
from synscope.evidence.host.observe import observe_host
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.question import Question
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, AttemptGroup, CaptureHealth, Claim, Stage, TargetDiagnosis, TargetSummary
from synscope.probes.host import firewall, limits, loopback, programs, sockets
from synscope.probes.host.client import Client
from synscope.probes.host.snapshot import Snapshot
from synscope.probes.kernel.instance import Instance
from synscope.probes.kernel.trace_reader import TraceReader
from synscope.targets import parse
from tests.evidence.host.builders import snapshot
from tests.evidence.kernel import programs as bpf
from tests.kernel import drained, namespace, need_trace, ring_on, run

FIRST = 46_100
_MD5, _MIN_TTL, _FILTER = 14, 21, 26
_LOOPBACK = 1
UNIFIED = next(
    (path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if Path(path, "cgroup.procs").exists()), ""
)


class Case(NamedTuple):
    """One reason, and what has to be said of it."""

    name: str
    cause: str
    witness: str
    """The question whose yes is the direct witness."""
    stage: Stage
    said: str
    """What is in its text."""
    address: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return FIRST + CASES.index(self)


_NETFILTER, _ATTACHED, _OTHER = (
    "kernel-says-netfilter-drop",
    "kernel-says-attached-drop",
    "kernel-says-other-drop",
)
_ROUTE, _SILENT, _LINK, _OWN_END = (
    "route-leads-away",
    "next-hop-silent",
    "link-is-down",
    "client-end-leads-away",
)
IN, OUT, ROUTE = Stage.IN, Stage.OUT, Stage.ROUTE
CASES = (
    Case("a rule on the way in", "firewall-drop", _NETFILTER, IN, "NETFILTER_DROP"),
    Case("a rule on the way out", "firewall-drop", _NETFILTER, OUT, "NETFILTER_DROP"),
    Case("tc on the way in", "ebpf-program", _ATTACHED, IN, "TC_INGRESS"),
    Case("tc on the way out", "ebpf-program", _ATTACHED, OUT, "TC_EGRESS"),
    Case("XDP", "ebpf-program", _ATTACHED, OUT, "XDP: an XDP program at the interface"),
    Case("a control group", "ebpf-program", _ATTACHED, OUT, "BPF_CGROUP_EGRESS"),
    Case("a socket's filter", "ebpf-program", _ATTACHED, IN, "SOCKET_FILTER"),
    Case("a minimum TTL", "packet-discarded", _OTHER, IN, "TCP_MINTTL"),
    Case("a TCP signature", "tcp-md5-wanted", "kernel-says-signature-drop", IN, "TCP_MD5NOTFOUND"),
    Case("an IPsec policy", "packet-discarded", _OTHER, IN, "XFRM_POLICY"),
    Case("a full accept queue", "accept-queue-overflow", "accept-queue-full", Stage.QUEUE, "connections wait"),
    Case("a blackhole", _ROUTE, _ROUTE, ROUTE, "by blackhole 127.0.0.5 in table local", "127.0.0.5"),
    Case("unreachable", _ROUTE, _ROUTE, ROUTE, "by unreachable 127.0.0.6 in table local", "127.0.0.6"),
    Case("prohibited", _ROUTE, _ROUTE, ROUTE, "by prohibit 127.0.0.7 in table local", "127.0.0.7"),
    Case("a rule of routing", _ROUTE, _ROUTE, ROUTE, "by rule 5: to 127.0.0.8 unreachable", "127.0.0.8"),
    Case("a table that leads away", _ROUTE, _ROUTE, ROUTE, "by rule 6: to 127.0.0.9 lookup 100", "127.0.0.9"),
    Case("a rule for a user", _ROUTE, _ROUTE, ROUTE, "by rule 7: to 127.0.0.10 uidrange 0-0 prohibit", "127.0.0.10"),
    Case("the reverse path", "packet-discarded", _OTHER, IN, "IP_RPFILTER", "10.9.0.2"),
    Case("a silent neighbour", _SILENT, _SILENT, ROUTE, "10.9.0.66 does not answer on v0", "10.9.0.66"),
    Case("no carrier", "link-down", _LINK, ROUTE, "10.10.0.2 is reached, has no link", "10.10.0.2"),
    Case("a device that is off", "link-down", _LINK, ROUTE, "10.11.0.2 is reached, is switched off", "10.11.0.2"),
    Case("a client's device", "client-source-address", _OWN_END, ROUTE, "device v0 it is unicast", "127.0.0.20"),
    Case("IPv6 is off", "family-disabled", "family-not-on-loopback", Stage.SOCKET, "disable_ipv6", "::1"),
    Case("lo is down", "loopback-down", "loopback-is-down", ROUTE, "the interface lo is down"),
)  # fmt: skip
PORTS = {case.name: case.port for case in CASES}

_RULES = """
table inet t {{
  chain i {{ type filter hook input priority 0; tcp dport {inside} drop; }}
  chain o {{ type filter hook output priority 0; tcp dport {outside} drop; }}
}}
"""
_WAYS = """
sysctl -qw net.ipv4.conf.lo.disable_policy=0 net.ipv4.conf.lo.disable_xfrm=0
ip xfrm policy add dir in dst 127.0.0.1/32 proto tcp dport {ipsec} action block
ip -b - <<END
route add blackhole 127.0.0.5 table local
route add unreachable 127.0.0.6 table local
route add prohibit 127.0.0.7 table local
rule add pref 10 lookup local
rule del pref 0 lookup local
rule add pref 5 to 127.0.0.8 unreachable
rule add pref 6 to 127.0.0.9 lookup 100
rule add pref 7 to 127.0.0.10 uidrange 0-0 prohibit
link add v0 type veth peer name v1 netns {other}
addr add 10.9.0.1/24 dev v0
link set v0 up
link add v2 type veth peer name v3
addr add 10.10.0.1/24 dev v2
link set v2 up
link add v4 type veth peer name v5
addr add 10.11.0.1/24 dev v4
route add default dev v0 table 100
END
ip -n {other} -b - <<END
addr add 10.9.0.2/24 dev v1
link set v1 up
link add w0 type veth peer name w1
link set w0 up
route add 10.9.0.1/32 dev w0
END
ip netns exec {other} sysctl -qw net.ipv4.conf.all.rp_filter=1
sysctl -qw net.ipv6.conf.lo.disable_ipv6=1
ip neigh replace 10.9.0.2 lladdr $(ip -n {other} -br link show v1 | awk '{{print $3}}') dev v0
"""


def listening(port: int, backlog: int = 9) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(backlog)
    return made


@contextlib.contextmanager
def listeners() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name in (
            "a socket's filter",
            "a minimum TTL",
            "a TCP signature",
            "an IPsec policy",
            "a control group",
        ):
            made = stack.enter_context(listening(PORTS[name]))
            if name == "a minimum TTL":
                made.setsockopt(socket.IPPROTO_IP, _MIN_TTL, 255)
            elif name == "a TCP signature":
                peer = struct.pack("=HH4s120s", socket.AF_INET, 0, socket.inet_aton("127.0.0.1"), b"")
                made.setsockopt(socket.IPPROTO_TCP, _MD5, peer + struct.pack("=BBHi80s", 0, 0, 3, 0, b"key"))
            elif name == "a socket's filter":
                kept = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
                made.setsockopt(socket.SOL_SOCKET, _FILTER, struct.pack("HL", 1, ctypes.addressof(kept)))
        port = PORTS["a full accept queue"]
        stack.enter_context(listening(port, 0))
        stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


@contextlib.contextmanager
def attached() -> Iterator[str]:
    """Programs at lo, and a control group with one: its folder."""
    folder = f"{UNIFIED}/synscope-test-{os.getpid()}"
    tc = ((PORTS["tc on the way in"], bpf.AT_INGRESS), (PORTS["tc on the way out"], bpf.AT_EGRESS))
    with contextlib.ExitStack() as stack:
        for port, at in tc:
            program = bpf.discarding(port, 36, 2, 0)
            stack.enter_context(bpf.on_interface(bpf.SCHED, program, _LOOPBACK, at))
        program = bpf.discarding_xdp(PORTS["XDP"])
        stack.enter_context(bpf.on_interface(bpf.XDP, program, _LOOPBACK, bpf.AT_XDP))
        Path(folder).mkdir()
        stack.callback(os.rmdir, folder)
        bpf.attach_to_cgroup(folder)
        yield folder


def tried(case: Case) -> socket.socket:
    """Begin to connect: what fails, fails at once or not at all."""
    made = socket.socket(socket.AF_INET6 if ":" in case.address else socket.AF_INET)
    made.setblocking(False)
    if case.name == "a client's device":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"v0")
    made.connect_ex((case.address, case.port))
    return made


def tried_in_group(case: Case, folder: str) -> None:
    script = (
        f"import socket; open('{folder}/cgroup.procs', 'w').write('0'); made = socket.socket(); "
        f"made.setblocking(False); made.connect_ex(('{case.address}', {case.port}))"
    )
    subprocess.run([sys.executable, "-S", "-c", script], check=True, timeout=20)


def looked(cases: tuple[Case, ...]) -> list[Snapshot]:
    """What a look at the host says, for each case."""
    ports = tuple(case.port for case in cases)
    now = time.monotonic() + 5
    found = snapshot(
        ports=ports,
        sockets=sockets.look(ports, now),
        firewall=firewall.look((PORTS["a rule on the way out"],), ("127.0.0.1",), (32768, 60999), 3.0),
        limits=limits.look(),
        counters=limits.count(),
        programs=programs.look((), now),
    )
    seen = []
    for case in cases:
        client = Client(os.getuid(), device="v0" if case.name == "a client's device" else "")
        seen.append(found._replace(loopback=loopback.look((case.address,), client, case.port)))
    return seen


_PLAYED: list[dict[str, TargetDiagnosis]] = []


def play() -> dict[str, TargetDiagnosis]:
    """Set everything up, try each, and diagnose."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(namespace())
        other = stack.enter_context(namespace(inside=False))
        run("sh", "-c", _WAYS.format(other=other, ipsec=PORTS["an IPsec policy"]))
        rules = _RULES.format(inside=PORTS["a rule on the way in"], outside=PORTS["a rule on the way out"])
        subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True, timeout=20)
        folder = stack.enter_context(attached())
        stack.enter_context(listeners())
        rings = [stack.enter_context(contextlib.closing(ring_on(name))) for name in ("lo", "v0")]
        instance = Instance.create()
        stack.callback(instance.remove)
        followed = Instance.create(of_tree=True)
        stack.callback(followed.remove)
        handover = instance.start(list(PORTS.values()), calls=True)
        handover = handover._replace(calls=followed.follow(threading.get_native_id()))
        reader = TraceReader(handover, list(PORTS.values()))
        stack.callback(reader.close)
        before = looked(CASES[:-1])
        for case in CASES[:-1]:
            if case.name == "a control group":
                tried_in_group(case, folder)
            else:
                stack.enter_context(tried(case))
            time.sleep(0.004)
        after = looked(CASES[:-1])
        run("ip", "link", "set", "lo", "down")
        down = looked(CASES[-1:])
        stack.enter_context(tried(CASES[-1]))
        groups: list[AttemptGroup] = []
        for ring in rings:
            follower = Follower(on_attempt=lambda _: None)
            for data, batch in drained(ring, 0.05):
                follower.feed(data, batch)  # type: ignore[arg-type]
            groups += follower.tracker.finish()
        reader.read()
        reader.close()
        looks = [*zip(before, after, strict=True), down * 2]
        return {
            case.name: diagnosed(case, groups, own, reader) for case, own in zip(CASES, looks, strict=True)
        }


def diagnosed(
    case: Case, groups: list[AttemptGroup], snapshots: Sequence[Snapshot], reader: TraceReader
) -> TargetDiagnosis:
    address = f"[{case.address}]" if ":" in case.address else case.address
    target = parse(f"{address}:{case.port}")
    own = [group for group in groups if group.server.port == case.port]

    def more(summary: TargetSummary) -> list[object]:
        failed_at = sorted({group.server.address for group in summary.groups})
        host = observe_host(target, snapshots, environment_known=True, failed_at=failed_at)
        return [*host, *observe_kernel(target, summary.groups, reader.events, reader.health)]

    health = CaptureHealth(frames=100)
    found = diagnose("live", own, (), health, [target], claim=Claim.STRONG, more=more)  # type: ignore[arg-type]
    return found.targets[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.usefixtures("kernel")
def test_it_stops_there(case: Case) -> None:
    need_trace()
    if not UNIFIED or platform.machine() != "x86_64":
        pytest.skip("needs control groups of version 2, and the number of bpf(2) on this machine")
    if not _PLAYED:
        _PLAYED.append(play())
    found = _PLAYED[0][case.name]
    told = found.facts.observations
    shown = "\n".join(f"{one.name}: {one.text}" for one in told.values() if one.answer is Answer.YES)
    ranked = [(finding.slug, finding.confidence.value) for finding in found.findings]
    try:
        assert told[case.witness].answer is Answer.YES, f"{told[case.witness].text}\n{shown}"
        assert case.said in told[case.witness].text
        assert ranked[0] == (case.cause, "certain"), f"{ranked}\n{shown}"
        assert case.stage in found.path.possible, f"{found.path.possible}\n{shown}"
    except AssertionError:
        _PLAYED.clear()
        raise
    question: Question = QUESTIONS[case.witness]
    assert question.direct or case.witness == _OTHER
