"""Programs that take connections on a watched port and pass them on: container engines and forwarders.

Input: ports and a time limit. Output: a ``snapshot.Forwards``. Of a command line nothing is kept but where the
program listens and where it leads. Sources: docker-ps(1), podman-ps(1), ssh(1) (-L, -D), socat(1), kubectl's
reference (port-forward), the command line of docker-proxy (moby, cmd/docker-proxy), of which there are imitations
in every language: a program that takes its options does its work.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final

from synscope.model import PORT_MAX
from synscope.probes.host import deadline, procfs
from synscope.probes.host.snapshot import Forward, Forwards, Untold

_ENGINES: Final = ("docker", "podman")
_PUBLISHED = re.compile(
    r"(?:(?P<address>\[[^\]]*\]|[0-9a-fA-F.:]+):)?(?P<low>\d{1,5})(?:-(?P<high>\d{1,5}))?"
    r"->(?P<inside>\d{1,5})(?:-\d{1,5})?/tcp"
)
_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9-]*:[^,]*")
_NO_FORWARD = re.compile(r"(?i)(?:exec|system|shell|open|create|gopen|file|pipe|fd|pty):")
_COMMAND = re.compile(r"(?i)(?:exec|system|shell):['\"]?(.*)", re.DOTALL)
_NAMESPACE_TOOLS: Final = frozenset(
    {"nsenter", "ip", "docker", "podman", "nerdctl", "crictl", "kubectl", "oc", "lxc", "incus", "machinectl"}
)
"""Programs by which a command runs inside a container or another network namespace."""
_RELAYS: Final = frozenset({"ssh", "nc", "ncat", "netcat", "socat"})
_INSIDE: Final = "a command inside another namespace"
_OF_ANY_KIND: Final = frozenset({"ssh", "autossh", "socat"})
"""Forwarders that lead anywhere; the others lead into containers and pods."""
_INTERPRETER = re.compile(r"(?:python|perl|ruby|node|bash|sh|dash)[\d.]*")
_PROXY_OPTIONS: Final = frozenset({"host-port", "container-port"})
_SSH_WITH_VALUE = re.compile(r"(?<=^-)[A-Za-z0-9]*?[BbcDEeFIiJLlMmOopPQRSWw]")
_WITH_VALUE: Final = frozenset({"--address", "-n", "--namespace", "--context", "--kubeconfig"})
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - an address to report, not to bind
_LOOPBACK: Final = "127.0.0.1"
_MOST: Final = 50
_PORT_AND_REST: Final = 3


def look(ports: Sequence[int], until: float) -> Forwards:
    """Ask the container engines, and read the command lines of all processes."""
    tasks = [
        deadline.Task(engine, functools.partial(_engine, engine, until))
        for engine in _ENGINES
        if deadline.find_program(engine) is not None
    ]
    found = [forward for forward in _processes(until) if forward.listen_port in ports]
    unasked = []
    for task in tasks:
        answer = task.result(until)
        if isinstance(answer, Untold):
            unasked.append(answer.could_not_tell)
        else:
            found += [forward for forward in answer if forward.listen_port in ports]
    return Forwards(tuple(dict.fromkeys(found))[:_MOST], tuple(unasked))


def _engine(engine: str, until: float) -> tuple[Forward, ...] | Untold:
    ran = deadline.run((engine, "ps", "--no-trunc", "--format", "{{json .}}"), until - time.monotonic())
    if isinstance(ran, Untold):
        return ran
    if ran.status != 0:
        return Untold(f"{engine} says: {ran.complaint or f'exit status {ran.status}'}")
    return published(engine, ran.output)


def published(engine: str, output: str) -> tuple[Forward, ...]:
    """Return the TCP ports in the output of ``docker ps`` or ``podman ps`` with ``--format '{{json .}}'``."""
    found = []
    for line in output.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found += list(_published(engine, row))
    return tuple(found)


def _published(engine: str, row: dict[str, Any]) -> Iterator[Forward]:
    ports, name = row.get("Ports"), row.get("Names")
    name = name if isinstance(name, str) else "?"
    if not isinstance(ports, str):
        return
    for match in _PUBLISHED.finditer(ports):
        low, inside = int(match["low"]), int(match["inside"])
        for step in range(min(int(match["high"] or low), PORT_MAX) - low + 1):
            address = (match["address"] or _EVERYWHERE).strip("[]")
            target = f"container {name}, port {inside + step}"
            yield Forward(engine, address, low + step, target, into_container=True)


def _processes(until: float) -> Iterator[Forward]:
    own = procfs.network("thread-self")
    for pid in procfs.processes(until):
        if pid != os.getpid():
            words = procfs.command_line(pid)
            for program, address, port, target in of_command(words):
                # What listens in another network namespace takes no connection of this one.
                if procfs.network(pid) in {None, own}:
                    inside = program not in _OF_ANY_KIND or target.startswith(_INSIDE)
                    yield Forward(program, address, port, target, pid, inside, through(program, words))


def of_command(words: Sequence[str]) -> Iterator[tuple[str, str, int, str]]:
    """Yield what a command line forwards: the program, where it listens, and where it leads."""
    name = _name(words)
    if _INTERPRETER.fullmatch(name) and len(words) > 1 and not words[1].startswith("-"):
        words = words[1:]
        name = _name(words)
    reader = _READERS.get(name)
    if reader is None and _options(words).keys() >= _PROXY_OPTIONS:
        reader = _docker_proxy
    if reader is not None:
        for found in reader(words[1:]):
            yield name, *found


def _name(words: Sequence[str]) -> str:
    """Return the program's name; ssh rewrites its command line as one word, others put a colon behind their name."""
    first = words[0].split(maxsplit=1) if words else []
    return PurePath(first[0]).name.rstrip(":") if first else ""


def _docker_proxy(words: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    options = _options(words)
    port = options.get("host-port", "")
    if options.get("proto", "tcp") == "tcp" and port.isdigit():
        target = f"{options.get('container-ip', '?')}:{options.get('container-port', '?')}"
        yield options.get("host-ip", _EVERYWHERE), int(port), target


def _options(words: Sequence[str]) -> dict[str, str]:
    """Return long options with their values, written with one dash or two, with a blank or an equals sign."""
    parts = [part for word in words for part in (word.split("=", 1) if word.startswith("-") else (word,))]
    return {name.lstrip("-"): value for name, value in itertools.pairwise(parts) if name.startswith("-")}


def _ssh(words: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for at, word in enumerate(words):
        if word.startswith("-") and not word.startswith("--"):
            option = re.search(r"[LD]", word)
            if option is None:
                continue
            value = word[option.end() :] or (words[at + 1] if at + 1 < len(words) else "")
            yield from _ssh_value(value, dynamic=option[0] == "D")


def _ssh_value(value: str, *, dynamic: bool) -> Iterator[tuple[str, int, str]]:
    parts = re.findall(r"\[[^\]]*\]|[^:/]+", value)
    address = parts.pop(0) if len(parts) > (1 if dynamic else _PORT_AND_REST) else _LOOPBACK
    if parts and parts[0].isdigit():
        target = "SOCKS" if dynamic else ":".join(parts[1:])
        yield (
            {"*": _EVERYWHERE, "localhost": _LOOPBACK}.get(address, address.strip("[]")),
            int(parts[0]),
            target,
        )


def through(program: str, words: Sequence[str]) -> str:
    """Return the machine that an ssh goes to, whence it goes on; empty for another program."""
    if program not in {"ssh", "autossh"}:
        return ""
    takes_value = False
    for word in words[1:]:
        if takes_value:
            takes_value = False
        elif word.startswith("-"):
            option = _SSH_WITH_VALUE.search(word)
            takes_value = option is not None and option.end() == len(word)
        else:
            host = word.removeprefix("ssh://").rpartition("@")[2]
            return host if host.count(":") > 1 else host.partition(":")[0]
    return ""


def _socat(words: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    addresses = [word for word in words if not word.startswith("-")]
    for at, word in enumerate(addresses):
        match = re.match(r"(?i)(?:tcp[46]?|openssl|ssl)-l(?:isten)?:(\d{1,5})", word)
        if match:
            bind = re.search(r"(?i)[,]bind=([^,]+)", word)
            others = (_TARGET.match(other) for other in addresses[:at] + addresses[at + 1 :])
            target = next((other for other in others if other), None)
            leads_to = target[0] if target else "?"
            if target and _NO_FORWARD.match(leads_to):
                leads_to = _of_inner(leads_to)
            if leads_to:
                yield bind[1] if bind else _EVERYWHERE, int(match[1]), leads_to


def _of_inner(address: str) -> str:
    """Return where a command leads that passes on what it is given, without its words; empty for any other."""
    command = _COMMAND.match(address)
    words = command[1].split() if command else []
    tools = (PurePath(word.strip("'\"")).name for word in words)
    tool = next((name for name in tools if name not in {"sudo", "exec", "timeout"}), "")
    if tool in _NAMESPACE_TOOLS:
        return f"{_INSIDE} ({tool})"
    return f"a command ({tool})" if tool in _RELAYS else ""


def _kubectl(words: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    if "port-forward" not in words:
        return
    address = _LOOPBACK
    plain = []
    before = ""
    for word in words[words.index("port-forward") + 1 :]:
        option, _, value = word.partition("=")
        if before == "--address" or (option == "--address" and value):
            address = value or word
        elif before not in _WITH_VALUE and not word.startswith("-"):
            plain.append(word)
        before = word
    resource = next((word for word in plain if not re.fullmatch(r"[\d:]+", word)), "?")
    for word in plain:
        match = re.fullmatch(r"(\d{1,5})(?::(\d{1,5}))?", word)
        if match:
            local = _LOOPBACK if address == "localhost" else address.partition(",")[0]
            yield local, int(match[1]), f"{resource}, port {match[2] or match[1]}"


_READERS: Final[dict[str, Callable[[Sequence[str]], Iterator[tuple[str, int, str]]]]] = {
    "docker-proxy": _docker_proxy,
    "ssh": _ssh,
    "autossh": _ssh,
    "socat": _socat,
    "kubectl": _kubectl,
}
