"""Which fixes and checks of a cause fit the case: those of its setting first, those of other settings never.

Input: advice with the settings in which it applies (``model.Where``), the target's setting and observations. Output:
the advice to show, in order: what the setting asks for, what helps anywhere, what helps in settings that nobody could
tell from this one. Where nothing would be left, all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from synscope.causes.cause import Fix, Sign
from synscope.causes.likelihood import holds, is_told
from synscope.model import ANYWHERE, Check, Observation, Setting, Where

Observations = Mapping[str, Observation]
T = TypeVar("T")

_MEANT, _ANYWHERE, _UNTOLD = range(3)
_FOREIGN: Final = 3


def fixes(
    offered: Sequence[str], setting: Setting, observations: Observations, *, is_named: bool = False
) -> tuple[str, ...]:
    """Return the fixes that fit, as plain text.

    ``is_named`` says that there is one for the very error that was named: what is for errors of its kind is then left
    out.
    """
    wheres = {fix: _where(fix) for fix in offered}
    ranked = [
        (_place(where, setting, observations), str(fix))
        for fix, where in wheres.items()
        if not is_named or not (where.signs or where.protocols)
    ]
    return tuple(fix for _, fix in _fitting(ranked))


def checks(offered: Sequence[Check], setting: Setting, observations: Observations) -> tuple[Check, ...]:
    """Return the checks that fit, for every system."""
    ranked = [(_place(check.where, setting, observations), check) for check in offered]
    return tuple(check for _, check in _fitting(ranked))


def _where(fix: str) -> Where:
    return fix.where if isinstance(fix, Fix) else ANYWHERE


def _fitting(ranked: Sequence[tuple[int, T]]) -> list[tuple[int, T]]:
    kept = [each for each in ranked if each[0] != _FOREIGN] or list(ranked)
    return sorted(kept, key=lambda each: each[0])


def _place(where: Where, setting: Setting, observations: Observations) -> int:
    """Return how well advice fits: the worst of what each part of its setting says."""
    if where == ANYWHERE:
        return _ANYWHERE
    signs = [Sign(name) for name in where.signs]
    parts = [
        *_part(where.transports, setting.transport),
        *_part(where.protocols, setting.protocol),
        *_part(where.systems, setting.system),
        *_of_signs(signs, observations),
    ]
    return max(parts)


def _part(wanted: Iterable[str], found: str | None) -> list[int]:
    if not wanted:
        return []
    if not found:
        return [_UNTOLD]
    return [_MEANT if found in wanted else _FOREIGN]


def _of_signs(signs: Sequence[Sign], observations: Observations) -> list[int]:
    """Return how well the answers fit: a sign that is denied, or that nobody saw, is not what advice is about."""
    if not signs:
        return []
    if any(holds(sign, observations) for sign in signs):
        return [_MEANT]
    return [_FOREIGN if all(is_told(sign, observations) for sign in signs) else _UNTOLD]
