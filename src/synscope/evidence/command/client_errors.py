"""Questions about what the command itself said of its failure.

A yes needs the words (or curl's exit status, which is as clear). Silence is no *no*: many clients swallow what
the kernel told them. Words that name another port are about something else, such as a proxy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from synscope.evidence.by_hand import ByHand, in_log, of_client, on_each
from synscope.evidence.command.local_end import is_of_own_end
from synscope.evidence.command.view import CommandView, Said, said_so
from synscope.evidence.question import Reply, Says, no, question, question_of, unknown, yes
from synscope.model import PORT_MAX, Source, Stage

_NEAR: Final = 12
"""Lines of a trace back from its last one in which the failing call is named."""

_INVALID_URL: Final = frozenset({"ERR_INVALID_URL"})
"""Where the number is no port, a client that calls the URL invalid (curl's status 3) means the number."""

_NAME_SERVER: Final = 53
"""The port of name servers."""

_IN_USE: Final = frozenset({"EADDRINUSE"})
_NOT_ALLOWED: Final = frozenset({"EACCES (bind)", "EPERM"})
_RUN_AGAIN: Final = "the message says so: yes"


@cache
def _file() -> re.Pattern[str]:
    """Return what a path looks like: what may not be opened is a file."""
    return re.compile(r"""(?<!tcp)['": ]/(?!dev/tcp/)\w""")


@cache
def _serves() -> re.Pattern[str]:
    """Return what a server's call looks like."""
    return re.compile(r"bind|listen|\bsocket\(\) \[", re.IGNORECASE)


@cache
def _crashes() -> re.Pattern[str]:
    """Return how the last words of a program that dies of itself begin; what is about connections is its client's."""
    return re.compile(
        r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception)\b(?!.*(?:connect|refused|timed? ?out|resolve))"
        r"|panic: |thread '.*' panicked at|Segmentation fault|.*\(core dumped\)|Exception in thread \"main\""
        r"|(?:Error: )?Cannot find module|Error: Could not find or load main class|.*\b(?:FATAL|[Ff]atal error)\b"
        r"|.*\[(?:emerg|crit)\]|.*\b[Ss]yntax error\b|.*error while loading shared libraries|.*: can't open file "
        r"|Fatal: |.*: line \d+: +\d+ (?:Aborted|Killed|Segmentation fault|Illegal instruction|Bus error)\b"
        r"|(?!.*(?:[Cc]onnect|refused|timed? ?out|resolve)).*\b(?:[Aa]borting\b|[Ee]xiting (?:due to|because)"
        r"|[Ee]xiting with (?:code|status) [1-9]|(?:[Ff]ailed|[Uu]nable|[Rr]efus(?:es|ing)) to start\b"
        r"|[Ss]tart-?up (?:has )?(?:failed|aborted)\b)"
        r"|Unhandled exception|Uncaught |terminate called |Aborted|Illegal instruction|Bus error|Fatal Python error",
    )


@cache
def _node_dies() -> re.Pattern[str]:
    """Return how an error begins that nobody caught, of a program that Node.js then ended."""
    return re.compile(r"Error: (?!.*(?:connect|refused|timed? ?out|resolve|socket|fetch|hang up))")


@cache
def _model() -> re.Pattern[str]:
    """Return what model servers print while they load, and when they cannot."""
    return re.compile(
        r"llama_model|llm_load|ggml_|load_tensors|vllm|text-generation-(?:inference|launcher)|\bollama\b|\.gguf\b"
        r"|\bCUDA out of memory|cudaMalloc failed|loading (?:the )?(?:model|weights|checkpoint shards|safetensors)"
        r"|(?:starting to|failed to|unable to|cannot|error) load(?:ing)? (?:the )?(?:\w+ )?model\b"
        r"|OutOfMemoryError: CUDA",
        re.IGNORECASE,
    )


def _anything(_view: CommandView, _said: Said) -> bool:
    return True


def _of_servers(view: CommandView, said: Said) -> bool:
    """Whether the client's own end is not what the line is about."""
    return not is_of_own_end(view, said)


def _of_serving(view: CommandView, said: Said) -> bool:
    """Whether a line, or one right before it, speaks of a server's call."""
    if is_of_own_end(view, said):
        return False
    if said.line not in view.lines:
        return False
    last = len(view.lines) - 1 - view.lines[::-1].index(said.line)
    return any(_serves().search(line) for line in view.lines[max(0, last - _NEAR) : last + 1])


def _of_client(view: CommandView, said: Said) -> bool:
    return not _of_serving(view, said)


def _of_connecting(view: CommandView, said: Said) -> bool:
    return _of_client(view, said) and not _file().search(said.line)


def _told(
    view: CommandView,
    errors: frozenset[str],
    also_ports: frozenset[int],
    fits: Callable[[CommandView, Said], bool],
) -> Reply:
    fitting = [line for line in view.said if line.meaning.name in errors and fits(view, line)]
    # A client that keeps 16 bits of a number may name either.
    ports = {None, view.target.port, view.target.wrapped, *also_ports}
    for said in fitting:
        if said.port in ports:
            return said_so(said.line)
    if fitting:
        return unknown(f"the command said it of another port: {fitting[0].line.strip()}")
    if view.said:
        return unknown(f"the command said something else: {view.said[0].line.strip()}")
    return unknown("the command said nothing of it")


def _declared(  # noqa: PLR0913 - one parameter for each thing that is known about a question
    name: str,
    meaning: str,
    errors: frozenset[str],
    stage: Stage,
    by_hand: tuple[ByHand, ...],
    *,
    also_ports: frozenset[int] = frozenset(),
    fits: Callable[[CommandView, Said], bool] = _anything,
    belied_by: str = "",
) -> Callable[[CommandView], Reply]:
    """Declare the question whether the command printed one of these rows of the error table.

    A line counts when it names the target's port, one of ``also_ports`` or none, and where ``fits`` does not leave
    it out because it means something else here. ``belied_by``: what also makes the kernel give a client this error.
    """
    declare = question(
        name,
        Source.HOST,
        meaning,
        stage=stage,
        if_yes=Says.STOPPED,
        by_hand=by_hand,
        errors=errors,
        belied_by=belied_by,
    )
    return declare(lambda view: _told(view, errors, also_ports, fits))


client_error_refused = _declared(
    "client-error-refused",
    "the client reported 'connection refused'",
    frozenset({"ECONNREFUSED"}),
    Stage.LISTENER,
    of_client(_RUN_AGAIN),
)

client_error_name = _declared(
    "client-error-name",
    "the client could not resolve the name",
    frozenset({"EAI_NONAME", "EAI_AGAIN"}),
    Stage.NAME,
    of_client(_RUN_AGAIN),
    also_ports=frozenset({_NAME_SERVER}),
)

client_error_unreachable = _declared(
    "client-error-unreachable",
    "the client reported 'network' or 'host unreachable'",
    frozenset({"EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"}),
    Stage.ROUTE,
    of_client(_RUN_AGAIN),
    belied_by="unreachable-by-icmp",
)

client_error_resources = _declared(
    "client-error-resources",
    "the client reported that it has no descriptor or no memory left",
    frozenset({"EMFILE", "ENFILE", "ENOBUFS"}),
    Stage.SOCKET,
    of_client(_RUN_AGAIN),
    fits=_of_client,
)


@cache
def _alert() -> re.Pattern[str]:
    """Return how a program tells of an alert that it received: the other side objects, not itself."""
    return re.compile(
        r"remote error: tls|received fatal alert|(?:sslv3|tlsv1\d?) alert|\[SSL: \w*ALERT_", re.IGNORECASE
    )


@cache
def _servers_log() -> re.Pattern[str]:
    """Return how a server tells of a client's alert."""
    return re.compile(r"handshake error from|\bclient: |\bclient\b.{0,40}\balert\b|\baccept", re.IGNORECASE)


def _objects_to_own(_view: CommandView, said: Said) -> bool:
    """Whether a certificate of the client's is what the line is about."""
    alerted = _alert().search(said.line) and not _servers_log().search(said.line)
    return said.meaning.name == _REQUIRED or bool(alerted)


def _objects_to_servers(view: CommandView, said: Said) -> bool:
    return not _objects_to_own(view, said)


_REQUIRED: Final = "CERTIFICATE_REQUIRED"

client_error_certificate = _declared(
    "client-error-certificate",
    "the client reported that it does not trust the certificate",
    frozenset({"CERTIFICATE_VERIFY_FAILED"}),
    Stage.TALK,
    of_client(_RUN_AGAIN),
    fits=_objects_to_servers,
)

client_error_own_certificate = _declared(
    "client-error-own-certificate",
    "the client reported that the server wants a certificate of the client, or does not take its own",
    frozenset({_REQUIRED, "CERTIFICATE_VERIFY_FAILED"}),
    Stage.TALK,
    of_client(_RUN_AGAIN),
    fits=_objects_to_own,
)

client_error_denied = _declared(
    "client-error-denied",
    "the client reported that it may not connect",
    frozenset({"EACCES", "EPERM", "EACCES (bind)"}),
    Stage.SOCKET,
    of_client(_RUN_AGAIN),
    fits=_of_connecting,
    belied_by="unreachable-by-icmp",
)

bind_failed_in_use = _declared(
    "bind-failed-in-use",
    "the server's bind failed: address already in use",
    _IN_USE,
    Stage.LISTENER,
    in_log("address already in use", "the server's log has a line: yes"),
    fits=_of_servers,
)

bind_failed_permission = _declared(
    "bind-failed-permission",
    "the server's bind failed: permission denied",
    _NOT_ALLOWED,
    Stage.LISTENER,
    in_log("permission denied", "the server's log has a line: yes"),
    fits=_of_serving,
)

bind_failed_policy = _declared(
    "bind-failed-policy",
    "the server's bind failed as a security policy makes it: not permitted",
    frozenset({"EPERM"}),
    Stage.LISTENER,
    in_log("not permitted", "the server's log has a line: yes"),
    fits=_of_serving,
)


_NO_IPV6: Final = frozenset({"EADDRNOTAVAIL", "EADDRNOTAVAIL (bind)", "EAFNOSUPPORT"})


@cache
def _ipv6_loopback() -> re.Pattern[str]:
    """Return how a message names ::1, or :: as the address at which a server listens."""
    return re.compile(r"(?<![\w:.])\[?::1?\]?(?![\w.])")


def _on_ipv6(view: CommandView, said: Said) -> bool:
    return _ipv6_loopback().search(said.line) is not None and not is_of_own_end(view, said)


bind_failed_no_ipv6 = _declared(
    "bind-failed-no-ipv6",
    "the server's bind to ::1 or :: failed: there is no such address or family",
    _NO_IPV6,
    Stage.LISTENER,
    in_log("assign requested address|family not supported", "a line that names ::1 or [::]: yes"),
    fits=lambda view, said: _on_ipv6(view, said) and _serves().search(said.line) is not None,
)

client_error_no_ipv6 = _declared(
    "client-error-no-ipv6",
    "the client reported of ::1 that there is no such address or family",
    _NO_IPV6,
    Stage.SOCKET,
    of_client(_RUN_AGAIN),
    fits=lambda view, said: _on_ipv6(view, said) and _serves().search(said.line) is None,
)


@question(
    "client-error-port-invalid",
    Source.HOST,
    "the client refused the port number itself",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_client(_RUN_AGAIN),
    errors=frozenset({"ERR_SOCKET_BAD_PORT", "ERR_UNSAFE_PORT"}),
)
def client_error_port_invalid(view: CommandView) -> Reply:
    """Look for the rows of the error table; where the number is no port, an invalid URL is one for that."""
    rows = question_of(client_error_port_invalid).errors
    for said in view.said:
        # Another number than the target's, and none that anybody can connect to.
        if said.meaning.name in rows and said.port is not None and said.port > PORT_MAX:
            return said_so(said.line)
    return _told(view, rows if view.target.is_port else rows | _INVALID_URL, frozenset(), _anything)


@question(
    "bind-failure-names-port",
    Source.HOST,
    "the server that could not bind named the port",
    stage=Stage.LISTENER,
    by_hand=in_log("bind|in use|denied", "the line names {port}: yes"),
)
def bind_failure_names_port(view: CommandView) -> Reply:
    binds = _IN_USE | _NOT_ALLOWED
    named = [
        said
        for said in view.said
        if said.meaning.name in binds and said.port is not None and not is_of_own_end(view, said)
    ]
    for said in named:
        if said.port == view.target.port:
            return said_so(said.line)
    if named:
        return no(f"the command said it of another port: {named[0].line.strip()}")
    return unknown("the command named no port that it could not bind")


@question(
    "program-crashed",
    Source.HOST,
    "a program that the command ran ended with an error of its own",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_log("segfault|traceback|panic|fatal", "the server's last words are an error of its own: yes"),
)
def program_crashed(view: CommandView) -> Reply:
    """Look for a program that tells of its own end, for a reason that is no known error of the network."""
    from synscope.reference import errors

    of_node = any(line.startswith("Node.js v") for line in view.lines)
    for line in reversed(view.lines):
        dies = _crashes().match(line) or (of_node and _node_dies().match(line))
        if dies and not errors.find(line):
            return said_so(line)
    return unknown("the command said nothing of a crash")


@question(
    "model-told-of",
    Source.HOST,
    "a program that the command ran tells of a model that it loads or cannot load",
    by_hand=in_log("model|cuda|weights", "the server tells of a model that it loads, or cannot load: yes"),
)
def model_told_of(view: CommandView) -> Reply:
    """Look for a model server's words: it takes its time to load, or fails for want of memory."""
    for line in reversed(view.lines):
        if _model().search(line):
            return said_so(line)
    return unknown("the command said nothing of a model")


@question(
    "command-succeeded",
    Source.HOST,
    "the command that was watched ended with status 0",
    stage=Stage.SERVE,
    if_yes=Says.PASSED,
    by_hand=on_each(
        linux="COMMAND; echo $?",
        macos="COMMAND; echo $?",
        windows="COMMAND; $LASTEXITCODE",
        reading="0: yes; another number: no",
    ),
)
def command_succeeded(view: CommandView) -> Reply:
    if view.exit_status == 0:
        return yes("the command ended with status 0")
    return no(f"the command ended with status {view.exit_status}")
