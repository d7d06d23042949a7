"""SYN162: the port belongs to a vector store or an MCP server."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN162",
    slug="context-service",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The context service on port {port} is down or does not accept the data",
    summary="Port {port} seems to belong to a vector store or a Model Context Protocol server.",
    meaning=(
        "A vector store, retrieval service or MCP server is down for the reasons of any service, or it "
        "closes the connection on data that it cannot parse: another version of the protocol, a message "
        "that is not JSON-RPC, vectors of another length. An MCP server that speaks over standard input "
        "has no port at all."
    ),
    documented_in=("A",),
    stops=(Stage.LISTENER, Stage.QUEUE, Stage.ACCEPT, Stage.SERVE),
    predicts=(usually("context-api"),),
    decided_by="the service's log: a parse error at the time of the request, or no start at all",
    checks=(
        *on_each_os(
            linux="journalctl --since -10min --no-pager | grep -iE 'parse|json|mcp|dimension|invalid'",
            macos="log show --last 10m --predicate 'eventMessage CONTAINS[c] \"parse\"'",
            windows="Get-WinEvent -FilterHashtable @{LogName='Application'; Level=1,2,3} -MaxEvents 20",
            expect="an error about parsing, format, version or dimension at the time of the request",
            then="correct what the client sends. No such line: as for any service",
        ),
        *listeners("no line", "the service is not running, or it speaks over standard input and has no port"),
    ),
    fixes=(
        "Start the service, or correct its transport: MCP over HTTP needs a port, over stdio it has none.",
        "Let client and server use the same version of protocol and format; check lengths and encodings.",
        "If it listens and is not reachable: as for the underlying cause.",
    ),
    references=(
        "https://modelcontextprotocol.io/specification/2025-06-18/basic/transports",
        "https://www.jsonrpc.org/specification",
    ),
    shows_by=(yes("context-api", "port-usual-for-context"),),
    refines=(
        "service-not-running",
        "crashed-before-bind",
        "crashed-after-bind",
        "startup-race",
        "resource-limits",
        "server-hung",
        "client-timeout-too-short",
        "application-error",
        "gateway-upstream",
    ),
    says=(
        ("http-unavailable", "It answers 503: it is not ready."),
        ("http-client-error", "It objects to what it was sent."),
        ("context-api", "The request is one of a vector store or of MCP."),
        ("closed-before-answer", "It hung up on what it was sent."),
        ("reset-before-answer", "It hung up on what it was sent."),
        ("port-usual-for-context", "Vector stores or MCP servers usually have this port."),
    ),
)
