"""Numbers for people: durations and counted nouns, the same way in every sentence."""

from __future__ import annotations

_UNITS = ((1, "ns", 0), (1_000, "µs", 0), (1_000_000, "ms", 1), (1_000_000_000, "s", 2))
_MINUTE_NS = 60 * 1_000_000_000
_LARGE = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_NEXT_UNIT = 1_000
_DIGITS = 3
"""How many significant digits a person wants."""

_LONG_PARTS = 2
_SIBILANTS = ("s", "x", "z", "ch", "sh")


def duration(ns: int) -> str:
    """Return ``ns`` nanoseconds for people, rounded: ``49 µs``, ``12.3 ms``, ``1.02 s``, ``2 min 5 s``."""
    if ns < 0:
        return "-" + duration(-ns)
    if ns >= _MINUTE_NS:
        return _long_duration(ns)
    for size, unit, decimals in _UNITS:
        value = ns / size
        before_point = len(str(int(value)))
        number = f"{value:.{max(0, min(decimals, _DIGITS - before_point))}f}"
        if float(number) < _NEXT_UNIT and ns:
            return "1 min" if (number, unit) == ("60.0", "s") else f"{_trimmed(number)} {unit}"
    return "0 s"


def _long_duration(ns: int) -> str:
    """Return a minute or more in its two largest units."""
    seconds = (ns + 500_000_000) // 1_000_000_000
    parts: list[str] = []
    for size, unit in _LARGE:
        whole, seconds = divmod(seconds, size)
        if whole:
            parts.append(f"{whole:,} {unit}")
        elif parts:
            break
        if len(parts) == _LONG_PARTS:
            break
    return " ".join(parts)


def _trimmed(number: str) -> str:
    """Drop trailing zeros after a decimal point."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def count(n: int, noun: str) -> str:
    """Return ``n`` with thousands separators and ``noun`` in the number it needs: ``1,204 attempts``.

    ``noun`` is singular; its last word takes the plural (``address`` → ``addresses``, ``try`` → ``tries``).
    """
    return f"{n:,} {noun if n == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a regular English noun."""
    if noun.endswith(_SIBILANTS):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in {"a", "e", "i", "o", "u"}:
        return noun[:-1] + "ies"
    return noun + "s"


def listed(words: list[str] | tuple[str, ...], *, most: int = 4) -> str:
    """Return ``words`` as ``a, b and c``; beyond ``most`` the rest is counted: ``a, b and 7 more``."""
    shown = list(words[:most])
    rest = len(words) - len(shown)
    if rest:
        shown.append(f"{rest:,} more")
    return shown[0] if len(shown) == 1 else " and ".join((", ".join(shown[:-1]), shown[-1])) if shown else ""
