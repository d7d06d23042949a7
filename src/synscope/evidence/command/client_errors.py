"""What the command itself said about its failure, as evidence.

Input: the program's name, how it ended, and the target. Output: the observations ``client-error-*``,
``bind-failed-*``, ``program-crashed`` and ``model-told-of`` of the vocabulary, and the rows of the error table that
explain the words.
Texts and numbers are recognised by ``causes.errors`` alone; that a program died of itself, by the forms below.

A yes needs the words (or curl's exit status, which is as clear). Silence is no *no*: many clients swallow what
the kernel told them. Words that name another port are about something else, such as a proxy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from synscope.model import Answer, Observation, Source, Target
from synscope.process.runner import Ended
from synscope.reference import errors
from synscope.reference.error_meaning import ErrorMeaning

MEANINGS: Final[dict[str, frozenset[str]]] = {
    "client-error-refused": frozenset({"ECONNREFUSED"}),
    "client-error-port-invalid": frozenset({"ERR_SOCKET_BAD_PORT", "ERR_UNSAFE_PORT"}),
    "client-error-name": frozenset({"EAI_NONAME", "EAI_AGAIN"}),
    "client-error-unreachable": frozenset({"EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"}),
    "client-error-resources": frozenset({"EMFILE", "EADDRNOTAVAIL"}),
    "client-error-certificate": frozenset({"CERTIFICATE_VERIFY_FAILED"}),
    "client-error-denied": frozenset({"EACCES", "EPERM", "EACCES (bind)"}),
    "bind-failed-in-use": frozenset({"EADDRINUSE"}),
    "bind-failed-permission": frozenset({"EACCES (bind)", "EPERM"}),
    "bind-failed-policy": frozenset({"EPERM"}),
}
"""Which rows of the error table each observation stands for."""

_NEAR: Final = 12
"""Lines of a trace back from its last one in which the failing call is named."""

_SAME_ERROR: Final = 30
"""Lines of a trace back from one in which the same error may name its port."""

_FILE: Final = re.compile(r"""(?<!tcp)['": ]/(?!dev/tcp/)\w""")
"""A path: what may not be opened is a file."""

_SERVES: Final = re.compile(r"bind|listen", re.IGNORECASE)

_CRASHES: Final = re.compile(
    r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception)\b(?!.*(?:connect|refused|timed? ?out|resolve))"
    r"|panic: |thread '.*' panicked at|Segmentation fault|.*\(core dumped\)|Exception in thread \"main\""
    r"|(?:Error: )?Cannot find module|Error: Could not find or load main class|.*\b(?:FATAL|[Ff]atal error)\b"
    r"|.*\[(?:emerg|crit)\]|.*\b[Ss]yntax error\b|.*error while loading shared libraries|.*: can't open file "
    r"|Fatal: |.*: line \d+: +\d+ (?:Aborted|Killed|Segmentation fault|Illegal instruction|Bus error)\b"
    r"|Unhandled exception|Uncaught |terminate called |Aborted|Illegal instruction|Bus error|Fatal Python error",
)
"""How the last words of a program that dies of itself begin; what is about connections is its client's."""

_NODE_DIES: Final = re.compile(r"Error: (?!.*(?:connect|refused|timed? ?out|resolve|socket|fetch|hang up))")
"""An error that nobody caught, of a program that Node.js then ended."""

_MODEL: Final = re.compile(
    r"llama_model|llm_load|ggml_|load_tensors|vllm|text-generation-(?:inference|launcher)|\bollama\b|\.gguf\b"
    r"|\bCUDA out of memory|cudaMalloc failed|loading (?:the )?(?:model|weights|checkpoint shards|safetensors)"
    r"|(?:starting to|failed to|unable to|cannot|error) load(?:ing)? (?:the )?(?:\w+ )?model\b"
    r"|OutOfMemoryError: CUDA",
    re.IGNORECASE,
)
"""What model servers print while they load, and when they cannot."""

_INVALID_URL: Final = frozenset({"ERR_INVALID_URL"})
"""Where the number is no port, a client that calls the URL invalid (curl's status 3) means the number."""

_NAME_SERVER: Final = 53
"""The port of name servers."""

_STATUS_SPEAKS: Final = frozenset({"curl"})
"""Programs whose exit statuses the error table numbers."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line that means a known error."""

    line: str
    """The line, or the exit status in words. Attacker-chosen, unescaped."""
    meaning: ErrorMeaning
    port: int | None
    """The port it names, as written."""


def said(program: str, ended: Ended) -> tuple[Said, ...]:
    """Return the lines that mean something known, the last first; each meaning once."""
    lines = list(ended.lines)
    if program in _STATUS_SPEAKS and ended.status:
        lines.insert(0, f"{program} exit status {ended.status}")
    found: dict[str, Said] = {}
    for at in reversed(range(len(lines))):
        for meaning in errors.find(lines[at])[:1]:
            found.setdefault(meaning.name, Said(lines[at], meaning, _port_of(lines, at, meaning)))
    return tuple(found.values())


def _port_of(lines: list[str], at: int, meaning: ErrorMeaning) -> int | None:
    """Return the port that the line names, or that the same error's lines right before it name."""
    for line in reversed(lines[max(0, at - _SAME_ERROR) : at + 1]):
        port = errors.port_in(line)
        if port is not None and (line is lines[at] or meaning in errors.find(line)[:1]):
            return port
    return None


def observe_command(program: str, ended: Ended, target: Target) -> tuple[Observation, ...]:
    """Return what the command's own words say about the target, one observation a vocabulary word."""
    heard = said(program, ended)
    told = tuple(_observation(name, names, heard, target, ended.lines) for name, names in MEANINGS.items())
    return (*told, _names_port(heard, target), _crashed(ended.lines), _model(ended.lines), _succeeded(ended))


def said_so(name: str, line: str) -> Observation:
    """The command's own words are the answer yes."""
    return Observation(name, Answer.YES, Source.HOST, f"the command said: {line.strip()}")


def _names_port(heard: tuple[Said, ...], target: Target) -> Observation:
    """Whether the words about a bind that failed name the target's port."""
    name = "bind-failure-names-port"
    binds = MEANINGS["bind-failed-in-use"] | MEANINGS["bind-failed-permission"]
    named = [one for one in heard if one.meaning.name in binds and one.port is not None]
    for one in named:
        if one.port == target.port:
            return said_so(name, one.line)
    if named:
        text = f"the command said it of another port: {named[0].line.strip()}"
        return Observation(name, Answer.NO, Source.HOST, text)
    return Observation(name, Answer.UNKNOWN, Source.HOST, "the command named no port that it could not bind")


def _succeeded(ended: Ended) -> Observation:
    """Whether the command itself was content."""
    if ended.exit_status == 0:
        return Observation("command-succeeded", Answer.YES, Source.HOST, "the command ended with status 0")
    text = f"the command ended with status {ended.exit_status}"
    return Observation("command-succeeded", Answer.NO, Source.HOST, text)


def _crashed(lines: tuple[str, ...]) -> Observation:
    """Whether a program tells of its own end, for a reason that is no known error of the network."""
    of_node = any(line.startswith("Node.js v") for line in lines)
    for line in reversed(lines):
        dies = _CRASHES.match(line) or (of_node and _NODE_DIES.match(line))
        if dies and not errors.find(line):
            return said_so("program-crashed", line)
    return Observation("program-crashed", Answer.UNKNOWN, Source.HOST, "the command said nothing of a crash")


def _model(lines: tuple[str, ...]) -> Observation:
    """Whether a program tells of a model that it loads, or that did not fit: a model server takes its time."""
    for line in reversed(lines):
        if _MODEL.search(line):
            return said_so("model-told-of", line)
    return Observation("model-told-of", Answer.UNKNOWN, Source.HOST, "the command said nothing of a model")


def _of_serving(said_line: str, lines: tuple[str, ...]) -> bool:
    """Whether a line, or one right before it, speaks of a server's call."""
    if said_line not in lines:
        return False
    last = len(lines) - 1 - lines[::-1].index(said_line)
    return any(_SERVES.search(line) for line in lines[max(0, last - _NEAR) : last + 1])


def _observation(
    name: str, names: frozenset[str], heard: tuple[Said, ...], target: Target, lines: tuple[str, ...]
) -> Observation:
    if name == "client-error-port-invalid" and not target.is_port:
        names |= _INVALID_URL
    fitting = [one for one in heard if one.meaning.name in names]
    if name in {"bind-failed-permission", "bind-failed-policy"}:
        # A log file may be forbidden too, in the same words.
        fitting = [one for one in fitting if _of_serving(one.line, lines)]
    if name in {"client-error-resources", "client-error-denied"}:
        fitting = [one for one in fitting if not _of_serving(one.line, lines)]
    if name == "client-error-denied":
        fitting = [one for one in fitting if not _FILE.search(one.line)]
    # A client that keeps 16 bits of a number may name either. Go names the name server that it asked.
    ports = {None, target.port, target.wrapped, *([_NAME_SERVER] if name == "client-error-name" else [])}
    for one in fitting:
        if one.port in ports:
            return said_so(name, one.line)
    if fitting:
        text = f"the command said it of another port: {fitting[0].line.strip()}"
    elif heard:
        text = f"the command said something else: {heard[0].line.strip()}"
    else:
        text = "the command said nothing of it"
    return Observation(name, Answer.UNKNOWN, Source.HOST, text)
