"""What the trace says of one attempt, as answers to the vocabulary's questions. Pure."""

from __future__ import annotations

from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.ties import Fate, Tie, answered_by, connect_of, fate_of, resets_of
from synscope.evidence.packets.view import Verdict, no, unknown, yes
from synscope.model import Attempt
from synscope.probes.kernel.events import Event

NO_SOCKET = "NO_SOCKET"
NETFILTER = "NETFILTER_DROP"
OVERFLOW = "TCP_LISTEN_OVERFLOW"
POLICIES = frozenset(
    {"SOCKET_FILTER", "BPF_CGROUP_EGRESS", "SECURITY_HOOK", "TC_EGRESS", "TC_INGRESS", "XDP"}
)
"""Drops by programs that were put in the way: filters of sockets, control groups and devices, security modules."""


class Case:
    """One attempt that failed, with all that ties it to the trace."""

    def __init__(self, record: Record, attempt: Attempt) -> None:
        """Look the attempt up once for all questions."""
        self.attempt = attempt
        self.tie: Tie = connect_of(record, attempt)
        self.fate: Fate = fate_of(record, attempt, self.tie)
        self._resets = resets_of(record, attempt)
        self._record = record
        self._complete = record.complete(attempt.first_ts_ns, answered_by(attempt))

    def no_socket(self) -> Verdict:
        """Did the kernel drop the SYN because no socket listens?"""
        if self._blurred:
            return unknown(self.tie.why)
        reset = self._resets[0] if self._resets else None
        if reset is not None:
            return self._refused_by(reset)
        if self.fate.drop is None:
            return unknown(self.fate.why)
        if self.fate.drop.reason == NO_SOCKET and self._record.health.names_resets:
            return unknown("a frame was dropped for want of a socket, but no RST to this client was traced")
        return self._drop_is(NO_SOCKET)

    def netfilter_drop(self) -> Verdict:
        """Did netfilter drop the SYN?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return no("the TCP stack itself answered, so the SYN got through")
        return self._drop_is(NETFILTER)

    def policy_drop(self) -> Verdict:
        """Did a program that was put in the way drop the SYN, such as eBPF?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return no("the TCP stack itself answered, so the SYN got through")
        return self._drop_is(*POLICIES)

    def stack_reset(self) -> Verdict:
        """Did this machine's TCP stack send the RST?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return yes(f"the stack sent it{_because(self._resets[0])}")
        firewall = self._firewall_alone()
        return no(firewall) if firewall else unknown("the trace does not say who sent it")

    def firewall_reset(self) -> Verdict:
        """Did a firewall on this machine make the RST?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return no(f"the stack sent it{_because(self._resets[0])}")
        drop = self.fate.drop
        if drop is None or drop.reason != NETFILTER:
            return unknown(self.fate.why or "the SYN was not dropped by netfilter")
        firewall = self._firewall_alone()
        return (
            yes(firewall)
            if firewall
            else unknown("netfilter dropped the SYN; who sent the RST is not known here")
        )

    @property
    def _blurred(self) -> bool:
        """Equal connects at the same time, perhaps from another namespace: their events cannot be told apart."""
        return self.tie.rivals > 1

    def _refused_by(self, reset: Event) -> Verdict:
        # Kernels that do not print why they sent an RST print why they dropped the SYN right after it.
        beside = self._record.drop_beside(reset)
        reason = reset.reason or (beside.reason if beside else "")
        if reason == NO_SOCKET:
            return yes(f"the stack answered the SYN with an RST ({reason})")
        if not reason:
            return unknown("the stack sent the RST, but this kernel does not say why")
        return no(f"the stack sent the RST for another reason: {reason}")

    def _drop_is(self, *reasons: str) -> Verdict:
        drop = self.fate.drop
        if drop is None:
            return unknown(self.fate.why)
        text = f"the kernel dropped the SYN of {drop.task} with the reason {drop.reason}"
        return yes(text) if drop.reason in reasons else no(text)

    def _firewall_alone(self) -> str | None:
        """What shows that netfilter dropped the SYN and the stack kept silent; ``None`` when that is not shown."""
        drop = self.fate.drop
        if (
            drop is None
            or drop.reason != NETFILTER
            or not (self._record.health.names_resets and self._complete)
        ):
            return None
        return f"netfilter dropped the SYN of {drop.task} and the stack sent no RST"


def _because(reset: Event) -> str:
    return f" ({reset.reason})" if reset.reason else ""
