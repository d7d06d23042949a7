"""Fills ``{port}``, ``{host}``, ``{address}``, ``{wrapped}`` and how to ask the service into the texts of causes.

Input: a template of the catalogue and the summary of one target. Output: text a person may paste into a
shell. Host names come from users and captures, so only letters, digits, ``.``, ``:``, ``_`` and ``-`` pass
(and no leading ``-``, which a command would read as an option); anything else becomes ``localhost``.
Other braces (``awk '{print}'``, PowerShell blocks) are left alone.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from synscope.model import Check, Setting, TargetSummary
from synscope.reference.probing import PROBES, USUAL

NAMES: tuple[str, ...] = ("port", "host", "address", "wrapped", "probe", "answer", "speaks")
"""The placeholders that texts may use."""

DEFAULT_HOST = "localhost"
DEFAULT_ADDRESS = "127.0.0.1"

_PLACEHOLDER = re.compile(r"\{(" + "|".join(NAMES) + r")\}")
_SAFE_HOST = re.compile(r"[A-Za-z0-9._:][A-Za-z0-9._:-]{0,252}", re.ASCII)


class Placeholders(NamedTuple):
    """The values for one target. ``host`` fits into a URL (IPv6 in brackets), ``address`` is bare."""

    port: str
    host: str
    address: str
    wrapped: str
    protocol: str = ""
    """What the service speaks: a name of ``reference.probing``, empty where it is not known."""

    def fill(self, template: str, system: str = "linux") -> str:
        """Return ``template`` with its placeholders replaced, only those of ``NAMES``.

        ``{probe}`` is the command of ``system`` that asks the service in its own protocol, ``{answer}`` what it says
        when it is well, ``{speaks}`` what that protocol is called.
        """

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            probe = PROBES.get(self.protocol, PROBES[USUAL])
            if name == "probe":
                return self.fill(probe.on(system))
            if name == "answer":
                return probe.answer
            if name == "speaks":
                return probe.name if self.protocol in PROBES else "another protocol"
            return str(getattr(self, name))

        return _PLACEHOLDER.sub(value, template)

    def fill_check(self, check: Check) -> Check:
        """Return ``check`` with the placeholders of all its texts replaced."""
        return check._replace(
            command=self.fill(check.command, check.os),
            expect=self.fill(check.expect),
            then=self.fill(check.then),
        )


def for_target(summary: TargetSummary, setting: Setting = Setting()) -> Placeholders:  # noqa: B008 - a constant
    """Return the values for the target of ``summary``, whose failure plays in ``setting``.

    The host is the one the user named, else the server address that was seen (first of the attempts
    that carry the target's label), else ``localhost``.
    """
    target = summary.target
    seen = _server_address(summary)
    host = target.host if target.host is not None else seen
    safe = safe_host(host if host is not None else DEFAULT_HOST)
    address = safe if _is_address(safe) else seen if seen is not None else DEFAULT_ADDRESS
    return Placeholders(
        port=str(target.port),
        host=f"[{safe}]" if ":" in safe else safe,
        address=address,
        wrapped=str(target.wrapped),
        protocol=setting.protocol,
    )


def safe_host(text: str) -> str:
    """Return ``text`` without brackets where it is safe to paste into a shell, else ``localhost``."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if _SAFE_HOST.fullmatch(bare) is None or (":" in bare and not _is_address(bare)):
        return DEFAULT_HOST
    return bare


def _server_address(summary: TargetSummary) -> str | None:
    """Return the server address of the first group with the target's label, else of any group."""
    groups = sorted(summary.groups, key=lambda group: group.label is not summary.label)
    return next((group.server.address for group in groups if _is_address(group.server.address)), None)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return getattr(address, "scope_id", None) is None
