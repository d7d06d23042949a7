"""Questions about who stopped the SYN of an attempt that failed: the reason of its drop, and who sent the RST. Pure.

A SYN that meets a full accept queue is consumed without an event; a counter rises. The counter names no port, so it
must account for every unanswered SYN of the target, and nothing else may have dropped them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_drops, on_linux
from synscope.evidence.kernel import unsent
from synscope.evidence.kernel.record import KernelView, Record
from synscope.evidence.kernel.ties import Fate, Tie, answered_by, connect_of, dropped_text, fate_of, resets_of
from synscope.evidence.packets.view import attempts, frames_of, total
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Answer, Attempt, Label, Source, Stage
from synscope.reference.drop_reasons import Kind, in_words, kind_of
from synscope.units import count

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

NO_SOCKET: Final = "NO_SOCKET"
NETFILTER: Final = "NETFILTER_DROP"
OVERFLOW: Final = "TCP_LISTEN_OVERFLOW"
ATTACHED: Final = (Kind.ATTACHED,)
POLICIES: Final = (Kind.ATTACHED, Kind.SECURITY)
"""Drops by programs that were put in the way: filters of sockets, control groups and devices, security modules."""

_NAMED: Final = frozenset(
    {
        *(Kind.SOCKET, Kind.FIREWALL, Kind.QUEUE, Kind.ATTACHED, Kind.SECURITY, Kind.SIGNATURE, Kind.ROUTE),
        *(Kind.AWAY, Kind.FLAGS, Kind.UNTOLD, Kind.ORDINARY),
    }
)
"""Kinds that questions of their own ask for, or that say too little."""


def is_of(*kinds: Kind) -> Callable[[str], bool]:
    """Return the function that says whether a reason is of one of the kinds."""
    return lambda reason: kind_of(reason) in kinds


def is_other(reason: str) -> bool:
    """Whether a reason is a known one that no question but ``kernel-says-other-drop`` asks for."""
    kind = kind_of(reason)
    return kind is not None and kind not in _NAMED


def is_unclear(reason: str) -> bool:
    """Whether a reason is one that nobody here knows, or one that several things may have made."""
    return bool(reason) and kind_of(reason) in (None, Kind.FLAGS)


class FailedAttempt:
    """One attempt that failed, with all that ties it to the trace."""

    def __init__(self, record: Record, attempt: Attempt) -> None:
        """Look the attempt up once for all questions."""
        self.attempt = attempt
        self.tie: Tie = connect_of(record, attempt)
        self.fate: Fate = fate_of(record, attempt, self.tie)
        self._resets = resets_of(record, attempt)
        self._record = record
        self._complete = record.complete(attempt.first_ts_ns, answered_by(attempt))

    def no_socket(self) -> Reply:
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
        return self._drop_is(NO_SOCKET.__eq__)

    def dropped(self, is_meant: Callable[[str], bool]) -> Reply:
        """Did the kernel drop the SYN for a reason that is meant?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return no("the TCP stack itself answered, so the SYN got through")
        return self._drop_is(is_meant)

    def stack_reset(self) -> Reply:
        """Did this machine's TCP stack send the RST?"""
        if self._blurred:
            return unknown(self.tie.why)
        if self._resets:
            return yes(f"the stack sent it{_because(self._resets[0])}")
        firewall = self._firewall_alone()
        return no(firewall) if firewall else unknown("the trace does not say who sent it")

    def firewall_reset(self) -> Reply:
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

    def _refused_by(self, reset: Event) -> Reply:
        # Kernels that do not print why they sent an RST print why they dropped the SYN right after it.
        beside = self._record.drop_beside(reset)
        reason = reset.reason or (beside.reason if beside else "")
        if reason == NO_SOCKET:
            return yes(f"the stack answered the SYN with an RST ({reason})")
        if not reason:
            return unknown("the stack sent the RST, but this kernel does not say why")
        return no(f"the stack sent the RST for another reason: {reason}")

    def _drop_is(self, is_meant: Callable[[str], bool]) -> Reply:
        drop = self.fate.drop
        if drop is None:
            return unknown(self.fate.why)
        what = "answer to the SYN" if self.attempt.label is Label.HALF_OPEN else "SYN"
        text = dropped_text(f"{what} of {drop.task}", drop.reason)
        if is_meant(drop.reason):
            return yes(text)
        return no(text) if kind_of(drop.reason) else unknown(text)

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


Ask = Callable[[FailedAttempt], Reply]
_DROPPED: Final = (Label.SYN_RST, Label.SYN_NO_REPLY)
_DROPPED_OR_ANSWERED: Final = (*_DROPPED, Label.HALF_OPEN)
"""Of a half-open attempt it is the answer that is dropped: the SYN got through."""


def _of_drops(is_meant: Callable[[str], bool]) -> Callable[[KernelView], Reply]:
    return lambda view: _of_each(view, _DROPPED, "failed", lambda failed: failed.dropped(is_meant))


def _of_refusals(ask: Ask) -> Callable[[KernelView], Reply]:
    return lambda view: _of_each(view, _DROPPED, "failed", ask)


def _of_resets(ask: Ask) -> Callable[[KernelView], Reply]:
    return lambda view: _of_each(view, (Label.SYN_RST,), "was refused by an RST", ask)


def _of_drops_or_unsent(is_meant: Callable[[str], bool]) -> Callable[[KernelView], Reply]:
    """Ask of attempts, or of connects whose SYN never got as far as being one."""

    def ask(view: KernelView) -> Reply:
        if view.groups:
            return _of_each(view, _DROPPED_OR_ANSWERED, "failed", lambda failed: failed.dropped(is_meant))
        return unsent.stopped(view, is_meant)

    return ask


def _of_each(view: KernelView, labels: tuple[Label, ...], happened: str, ask: Ask) -> Reply:
    """Ask of every attempt at hand: yes if one says so, no if all deny it, else the first doubt."""
    groups = view.failing(*labels)
    if not groups:
        return no(f"no attempt {happened}")
    asked = [(attempt, ask(FailedAttempt(view.record, attempt))) for attempt in attempts(groups)]
    by_answer = {
        answer: [(attempt, reply) for attempt, reply in asked if reply.answer is answer] for answer in Answer
    }
    for answer in (Answer.YES, Answer.UNKNOWN, Answer.NO):
        if found := by_answer[answer]:
            return Reply(answer, _said(found, total(groups)), _frames(attempt for attempt, _ in found))
    return unknown("no attempt is at hand to be tied to the trace")


def _said(found: list[tuple[Attempt, Reply]], number: int) -> str:
    first = found[0][1].text
    return (
        first
        if number == 1
        else f"{first} ({len(found):,} of {count(number, 'attempt')} looked at and alike)"
    )


def _frames(found: Iterable[Attempt]) -> tuple[int, ...]:
    return frames_of(found, lambda frames: frames.syn, lambda frames: frames.rst)


no_socket = question(
    "kernel-says-no-socket",
    Source.KERNEL,
    "the kernel dropped the SYN because no socket listens",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: NO_SOCKET: yes"),
)(_of_refusals(FailedAttempt.no_socket))

netfilter_drop = question(
    "kernel-says-netfilter-drop",
    Source.KERNEL,
    "the kernel dropped the SYN, or the answer to it, in netfilter",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: NETFILTER_DROP: yes"),
)(_of_drops_or_unsent(is_of(Kind.FIREWALL)))

policy_drop = question(
    "kernel-says-policy-drop",
    Source.KERNEL,
    "the kernel dropped the SYN at a filter of a socket, control group or device, or at a security hook",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops(
        "reason: SOCKET_FILTER, BPF_CGROUP_EGRESS, SECURITY_HOOK, TC_INGRESS, TC_EGRESS or XDP: yes"
    ),
)(_of_drops_or_unsent(is_of(*POLICIES)))


attached_drop = question(
    "kernel-says-attached-drop",
    Source.KERNEL,
    "the kernel dropped the SYN by a program or filter that is attached to a socket, control group or device",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: SOCKET_FILTER, BPF_CGROUP_EGRESS, TC_INGRESS, TC_EGRESS or XDP: yes"),
)(_of_drops_or_unsent(is_of(*ATTACHED)))

other_drop = question(
    "kernel-says-other-drop",
    Source.KERNEL,
    "the kernel dropped the SYN for a reason that is neither a socket's, a firewall's nor a policy's",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=in_drops("another reason, such as QDISC_DROP, XFRM_POLICY, TCP_CSUM or IP_RPFILTER: yes"),
)(_of_drops_or_unsent(is_other))

unclear_drop = question(
    "kernel-says-unclear-drop",
    Source.KERNEL,
    "the kernel dropped the SYN for a reason that several things may have made, or that is new",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=in_drops("reason: TCP_FLAGS, or one that no list has: yes"),
)(_of_drops_or_unsent(is_unclear))

route_drop = question(
    "kernel-says-route-drop",
    Source.KERNEL,
    "the kernel dropped the SYN because the way on is not usable: no route, no neighbour, an interface that is off",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: IP_OUTNOROUTES, NEIGH_FAILED, IPV6DISABLED or DEV_READY: yes"),
)(_of_drops_or_unsent(is_of(Kind.ROUTE)))

away_drop = question(
    "kernel-says-localnet-drop",
    Source.KERNEL,
    "the kernel dropped the SYN because a loopback address may not leave the loopback interface",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: IP_LOCALNET: yes"),
)(_of_drops_or_unsent(is_of(Kind.AWAY)))

signature_drop = question(
    "kernel-says-signature-drop",
    Source.KERNEL,
    "the kernel dropped the SYN because its TCP signature is missing, wrong or not asked for",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: TCP_MD5NOTFOUND, TCP_AONOTFOUND or another of TCP_MD5… and TCP_AO…: yes"),
)(_of_drops(is_of(Kind.SIGNATURE)))


@question(
    "kernel-says-queue-full",
    Source.KERNEL,
    "the kernel counted listen queue overflows",
    stage=Stage.QUEUE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "nstat -az TcpExtListenOverflows TcpExtTCPReqQFullDrop",
        "it rises by one for each unanswered SYN: yes",
    ),
    always=True,
)
def queue_full(view: KernelView) -> Reply:
    """Look at drops, and else at the counters, which need no trace."""
    groups = view.failing(Label.SYN_NO_REPLY)
    if not groups:
        return no("no attempt went unanswered")
    failed = [FailedAttempt(view.record, attempt) for attempt in attempts(groups)]
    drops = [(each.attempt, each.fate.drop) for each in failed if each.fate.drop is not None]
    if full := [attempt for attempt, drop in drops if drop.reason == OVERFLOW]:
        frames = frames_of(full, lambda frames: frames.syn)
        return yes("the kernel dropped the SYN because the listen queue was full", frames)
    if drops and len(drops) == len(failed):
        return no(f"the kernel dropped the SYN for another reason: {in_words(drops[0][1].reason)}")
    return _counted(total(groups) - len(drops), view.record.health.overflows)


def _counted(silent: int, overflows: int | None) -> Reply:
    if overflows is None:
        return unknown("the counters of listen queue overflows were not read")
    if not overflows:
        return no("the network namespace counted no listen queue overflow")
    counted = f"the network namespace counted {count(overflows, 'listen queue overflow')}"
    if overflows < silent:
        return unknown(f"{counted}, fewer than the {count(silent, 'unanswered attempt')}")
    return yes(f"{counted} while {count(silent, 'attempt')} went unanswered; the counter names no port")


stack_reset = question(
    "kernel-says-stack-reset",
    Source.KERNEL,
    "this machine's TCP stack sent the RST",
    stage=Stage.IN,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_drops("tcp:tcp_send_reset at the time of the RST: yes"),
)(_of_resets(FailedAttempt.stack_reset))

firewall_reset = question(
    "kernel-says-firewall-reset",
    Source.KERNEL,
    "netfilter dropped the SYN and made the RST",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_drops("reason: NETFILTER_DROP at the time of the RST, and no tcp:tcp_send_reset: yes"),
)(_of_resets(FailedAttempt.firewall_reset))
