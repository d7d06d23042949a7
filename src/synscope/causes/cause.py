"""What a cause declares: the shape of every file in this folder.

A cause speaks about evidence only in the names of ``evidence.vocabulary``. It becomes a candidate when
one of its ``signatures`` holds; ``contradicts`` then rules it out, ``supports`` and ``weakened_by`` move
it up and down, and a set in ``decisive`` proves it. An observation that is missing or could not be told
does none of these things.

Invariants (guarded by tests): every name used is in the vocabulary, every (code, label) has a prior,
placeholders in texts are those of ``causes.placeholders``. A code is never reused or changed.
"""

from __future__ import annotations

from typing import NamedTuple

from synscope.causes import look_alikes
from synscope.model import Answer, Check, Kind, Label


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


class Clue(NamedTuple):
    """A sign that makes a cause more (``supports``) or less (``weakened_by``) likely.

    ``weight`` is added to or taken from the prior of ``causes.priors``, on the same scale. The clue
    counts only when all of ``when`` hold as well. ``text`` is the sentence that the strongest clue adds
    to the summary; it may contain placeholders.
    """

    name: str
    weight: int
    text: str = ""
    answer: Answer = Answer.YES
    when: Signs = ()

    @property
    def sign(self) -> Sign:
        """The observation and answer this clue rests on."""
        return Sign(self.name, self.answer)


class Signature(NamedTuple):
    """How a cause shows under some labels: all of ``requires`` and, where given, one of ``any_of``.

    Where ``unless`` is given and all of it holds, it does not show.
    """

    labels: tuple[Label, ...]
    requires: Signs = ()
    any_of: Signs = ()
    unless: Signs = ()


def shows(*labels: Label, requires: Signs = (), any_of: Signs = (), unless: Signs = ()) -> Signature:
    """Return the signature for ``labels``.

    Raises ``ValueError`` without a sign: the signature would always hold.
    """
    if not (requires or any_of):
        message = "a signature without a sign would make a cause out of nothing"
        raise ValueError(message)
    return Signature(labels, requires, any_of, unless)


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
    signatures: tuple[Signature, ...]
    decided_by: str
    """The check that decides between it and its look-alikes, in a sentence."""
    checks: tuple[Check, ...]
    fixes: tuple[str, ...]
    references: tuple[str, ...]
    supports: tuple[Clue, ...] = ()
    weakened_by: tuple[Clue, ...] = ()
    contradicts: Signs = ()
    """Any of these rules it out."""
    decisive: tuple[Signs, ...] = ()
    """Sets of signs; all of one set together leave none of its look-alikes."""
    doubted_by: Signs = ()
    """Any of these keeps a decisive set from proving it: it stands, and something deeper may be true."""
    refines: tuple[str, ...] = ()
    """Slugs of more general causes that are true at the same time: this one says why."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels it can show under, in the order of its signatures, each once."""
        return tuple(dict.fromkeys(label for signature in self.signatures for label in signature.labels))

    @property
    def look_alikes(self) -> tuple[str, ...]:
        """Codes of the causes that share one of its signatures, by the registry."""
        return look_alikes.of(self.code)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all observations it speaks about, sorted."""
        signs = {
            sign
            for signature in self.signatures
            for sign in signature.requires + signature.any_of + signature.unless
        }
        signs.update(self.contradicts + self.doubted_by)
        signs.update(sign for group in self.decisive for sign in group)
        for clue in self.supports + self.weakened_by:
            signs.add(clue.sign)
            signs.update(clue.when)
        return tuple(sorted({sign.name for sign in signs}))


def on_each_os(*, linux: str, macos: str, windows: str, expect: str, then: str) -> tuple[Check, ...]:
    """Return the same check for the three systems; ``windows`` is a PowerShell command."""
    commands = (("linux", linux), ("macos", macos), ("windows", windows))
    return tuple(Check(os, command, expect, then) for os, command in commands)


def listeners(expect: str, then: str) -> tuple[Check, ...]:
    """Return the check that most causes share: who listens on the port, on which address."""
    return on_each_os(
        linux="ss -ltnp 'sport = :{port}'",
        macos="lsof -nP -iTCP:{port} -sTCP:LISTEN",
        windows="Get-NetTCPConnection -State Listen -LocalPort {port} -ErrorAction SilentlyContinue",
        expect=expect,
        then=then,
    )
