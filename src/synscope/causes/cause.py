"""What a cause declares: the shape of every file in this folder.

A cause speaks about evidence only in the names of ``evidence.vocabulary``, and about other causes only in
``refines``. It says at which stages of the path it stops a connection, and what it predicts there in four words that
mean the same for the whole catalogue (``likelihood`` gives them their numbers). From that the ranker computes its
place; a cause has no weight and knows no rival.

Invariants (guarded by tests): every name used is in the vocabulary, every cause has a prior at each stage that it
stops, placeholders in texts are those of ``causes.placeholders``. A code is never reused or changed.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple, Self

from synscope.evidence.brackets import BRACKETS
from synscope.model import Answer, Check, Kind, Label, Stage, Transport, Where

OBSERVED: Final = "{observed}"
"""Where a sentence of ``Cause.says`` quotes the answer's own text."""
QUOTED: Final = "{quoted}"
"""Where a headline of ``Cause.headlines`` quotes the words in the answer's text."""


class Fix(str):
    """What to do, with the settings in which it helps. A plain string among the fixes helps anywhere."""

    __slots__ = ("where",)
    where: Where

    def __new__(cls, text: str, where: Where) -> Self:
        """Return ``text`` as a fix that applies ``where``."""
        made = super().__new__(cls, text)
        made.where = where
        return made


def where(
    *transports: Transport,
    protocol: str = "",
    system: str = "",
    sign: str = "",
) -> Where:
    """Return the settings in which a piece of advice applies; of several words of one kind, any of them."""
    return Where(
        frozenset(transports), frozenset(protocol.split()), frozenset(system.split()), frozenset(sign.split())
    )


def only(applies: Where, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return ``checks`` as those that apply in some settings only."""
    return tuple(check._replace(where=applies) for check in checks)


class Sign(NamedTuple):
    """An observation with the answer that is wanted of it."""

    name: str
    answer: Answer = Answer.YES

    def __str__(self) -> str:
        """Return the name, after ``not`` when NO is wanted."""
        return self.name if self.answer is Answer.YES else f"not {self.name}"


Signs = tuple[Sign, ...]


def yes(*names: str) -> Signs:
    """Return the signs that each of ``names`` was observed."""
    return tuple(Sign(name) for name in names)


def no(*names: str) -> Signs:
    """Return the signs that someone looked for each of ``names`` and it was not so."""
    return tuple(Sign(name, Answer.NO) for name in names)


class Word(enum.Enum):
    """How often a cause shows a sign when somebody looks for it."""

    ALWAYS = "always"
    """Where the sign is denied, the cause is ruled out."""
    USUALLY = "usually"
    SELDOM = "seldom"
    NEVER = "never"
    """Where the sign is there, the cause is ruled out."""


class Prediction(NamedTuple):
    """What a cause predicts: any one of the signs, as often as the word says."""

    word: Word
    signs: Signs
    """Several are ways in which the same thing shows: they count once."""


def _predicted(word: Word, signs: tuple[str | Sign, ...]) -> Prediction:
    return Prediction(word, tuple(Sign(sign) if isinstance(sign, str) else sign for sign in signs))


def always(*signs: str | Sign) -> Prediction:
    """Return the prediction that one of ``signs`` is there whenever somebody looks."""
    return _predicted(Word.ALWAYS, signs)


def usually(*signs: str | Sign) -> Prediction:
    """Return the prediction that one of ``signs`` is there more often than not."""
    return _predicted(Word.USUALLY, signs)


def seldom(*signs: str | Sign) -> Prediction:
    """Return the prediction that ``signs`` are rarely there."""
    return _predicted(Word.SELDOM, signs)


def never(*signs: str | Sign) -> Prediction:
    """Return the prediction that none of ``signs`` is there."""
    return _predicted(Word.NEVER, signs)


class Cause(NamedTuple):
    """One root cause of the catalogue. Texts may contain the placeholders of ``causes.placeholders``."""

    code: str
    """``SYN`` and three digits. Stable: it never changes its meaning and never vanishes."""
    slug: str
    kind: Kind
    since: str
    """The version that first had it."""
    title: str
    """The headline when it is the top finding: short, plain words."""
    summary: str
    """One sentence about this target."""
    meaning: str
    """What it is and why the packets look as they do: for ``explain`` and the documentation."""
    documented_in: tuple[str, ...]
    """``A``, ``B``, ``C`` (the guides) or ``field``."""
    stops: tuple[Stage, ...]
    """The stages at which it stops a connection, the commonest first."""
    predicts: tuple[Prediction, ...]
    decided_by: str
    """What tells whether it is this one, in a sentence."""
    checks: tuple[Check, ...]
    fixes: tuple[str, ...]
    """What to do; a ``Fix`` among them says in which settings it helps."""
    references: tuple[str, ...]
    proof: tuple[Signs, ...] = ()
    """Sets of signs; all of one set together prove it."""
    doubted_by: Signs = ()
    """While one of these holds nothing proves it: something else may be true, of which nobody can tell more."""
    shows_by: tuple[Signs, ...] = ()
    """It is considered only where one sign of each set holds, or nobody could tell whether one does."""
    refines: tuple[str, ...] = ()
    """Slugs of more general causes that are true at the same time: this one says why."""
    says: tuple[tuple[str, str], ...] = ()
    """(question, sentence): the sentence follows the summary where that question has the answer yes.

    ``OBSERVED`` in it stands for the text of the answer, which may quote the service.
    """
    headlines: tuple[tuple[str, str], ...] = ()
    """(question, headline): more specific than the title, where that question has the answer yes; the first holds.

    ``QUOTED`` in it stands for the words of somebody else that the answer quotes; without any, it does not apply.
    """

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels in whose brackets it stops a connection, in their fixed order; every label for a remark."""
        if not self.stops:
            return tuple(Label)
        return tuple(label for label, stages in BRACKETS.items() if set(stages) & set(self.stops))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all questions it speaks about, sorted."""
        signs = {sign for prediction in self.predicts for sign in prediction.signs}
        signs.update(sign for group in (*self.proof, *self.shows_by, self.doubted_by) for sign in group)
        return tuple(
            sorted({sign.name for sign in signs} | {name for name, _ in (*self.says, *self.headlines)})
        )


def on_each_os(*, linux: str, macos: str, windows: str, expect: str, then: str) -> tuple[Check, ...]:
    """Return the same check for the three systems; ``windows`` is a PowerShell command."""
    commands = (("linux", linux), ("macos", macos), ("windows", windows))
    return tuple(Check(os, command, expect, then) for os, command in commands)


def probing(expect: str, then: str) -> tuple[Check, ...]:
    """Return the check that asks the service in its own protocol (``reference.probing``)."""
    return on_each_os(linux="{probe}", macos="{probe}", windows="{probe}", expect=expect, then=then)


def listeners(expect: str, then: str) -> tuple[Check, ...]:
    """Return the check that most causes share: who listens on the port, on which address."""
    return on_each_os(
        linux="ss -ltnp 'sport = :{port}'",
        macos="lsof -nP -iTCP:{port} -sTCP:LISTEN",
        windows="Get-NetTCPConnection -State Listen -LocalPort {port} -ErrorAction SilentlyContinue",
        expect=expect,
        then=then,
    )


ON_LINUX_LOOPBACK: Final = where(Transport.LOOPBACK, system="linux")
"""Where ``lo`` is the interface that a rule has to name."""

ALLOW_THE_PORT: Final = (
    Fix(
        "Allow the port: sudo ufw allow in on lo to any port {port} proto tcp (or its like).",
        ON_LINUX_LOOPBACK,
    ),
    Fix(
        "Allow the port from containers: sudo ufw allow in on docker0 to any port {port} proto tcp (or its like;"
        " ip -br addr names the bridge).",
        where(Transport.CONTAINER_TO_HOST, system="linux"),
    ),
    Fix(
        "Allow the port from the client's network: sudo ufw allow proto tcp from ADDRESS to any port {port} (or"
        " its like).",
        where(Transport.REMOTE, system="linux"),
    ),
    Fix(
        "Docker's rules stand before ufw's: allow forwarded traffic in the chain DOCKER-USER.",
        where(Transport.HOST_TO_CONTAINER, system="linux"),
    ),
    Fix("Look for a NetworkPolicy that selects the pod, and allow the client in it.", where(Transport.POD)),
    Fix(
        "macOS: look for a VPN, an endpoint filter or a rule of pf: systemextensionsctl list names filters; make"
        " an exception for 127.0.0.1 and ::1.",
        where(system="macos"),
    ),
    Fix(
        "Windows: New-NetFirewallRule -DisplayName synscope -Direction Inbound -Protocol TCP -LocalPort {port}"
        " -Action Allow; a rule that blocks still wins: disable it.",
        where(system="windows"),
    ),
)
"""The first that fits leads."""
