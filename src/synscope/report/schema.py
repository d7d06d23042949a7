"""The JSON Schema of the reports: the promise to programs that read them.

``document()`` builds it from the tables here; ``docs/schema/`` holds the same as a file. It describes
the JSON document (``type`` = ``report``) and every line of the JSON Lines report. Readers must ignore
fields they do not know: fields may be added in a minor version, never renamed, removed or retyped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from synscope.causes.cause import Word
from synscope.model import (
    Canary,
    Checksum,
    Claim,
    Confidence,
    Kind,
    Label,
    ProcessSource,
    Role,
    Source,
    Stage,
    State,
    Transport,
)
from synscope.report.json_records import SCHEMA_ID, SCHEMA_VERSION

FILE_NAME = "synscope-1.schema.json"

Schema = dict[str, object]


def document() -> Schema:
    """Return the whole schema (JSON Schema draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "synscope report",
        "description": "A report document (--format json) or one line of --format jsonl.",
        "version": SCHEMA_VERSION,
        "oneOf": [
            _ref(name)
            for name in ("report", "attempt", "target", "finding", "command", "attachment", "health")
        ],
        "$defs": {
            "report": _report(),
            "capture": _capture(),
            "group": _group(),
            "attempt": _attempt(),
            "target": _target(),
            "finding": _finding(),
            "command": _command(),
            "attachment": _attachment(),
            "health": _health(),
            "file": _file(),
            "process": _process(),
            "endpoint": _object(
                {"address": _text("IPv4 or IPv6 address"), "port": _number("TCP port", most=65535)}
            ),
            "evidence": _object(
                {
                    "source": _enum(
                        "where it comes from", (item for item in Source if item is not Source.REQUEST)
                    ),
                    "text": _text("one sentence; may quote bytes of the capture"),
                    "frames": _frame_list(),
                }
            ),
            "check": _object(
                {
                    "os": _enum("the system it is for", ("linux", "macos", "windows", "any")),
                    "command": _text("what to run"),
                    "expect": _text("what it prints when this cause is the true one"),
                    "then": _text("what that means, and what to do next"),
                }
            ),
            "why": _why(),
            "near_miss": _object(
                {
                    "kind": _text("wrapped-port, similar-port, other-address, proxy-request, proxy-port, …"),
                    "text": _text("one sentence"),
                    "port": _number("the port it went to"),
                    "frames": _frame_list(),
                }
            ),
            "stage": _stage(),
            "witness": _witness(),
            "leg": _leg(),
            "setting": _setting(),
            "label": _enum("what a handshake is called", Label),
            "counts": _counts("how many attempts had which label", names=Label),
        },
    }


def text() -> str:
    """Return the schema as the file in ``docs/schema`` has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _report() -> Schema:
    return _object(
        {
            "type": {"const": "report"},
            "schema": {"const": SCHEMA_ID},
            "schema_version": {"type": "string", "pattern": r"^1\.[0-9]+$"},
            "synscope": _text("version of the program"),
            "engine": _text("compiled or interpreted"),
            "captures": _list(_ref("capture"), "one for each capture given, in order"),
            "exit_status": _number("exit status of the run", most=255),
        }
    )


def _capture() -> Schema:
    return _object(
        {
            "capture": _text("path as given, - for standard input"),
            "attempts": _list(
                _ref("attempt"), "those that support a finding, unless --attempts says otherwise"
            ),
            "groups": _list(_ref("group"), "all attempts, counted by target, server and outcome"),
            "targets": _list(_ref("target"), "in the order asked for, else one a server port"),
            "findings": _list(_ref("finding"), "of each target in turn, best first"),
            "attachments": _list(_ref("attachment"), "what the capture file carries in its comments"),
            "command": _ref("command"),
            "health": _ref("health"),
        },
        optional=("attachments", "command"),
    )


def _group() -> Schema:
    return _object(
        {
            "target": _text("the target they belong to"),
            "server": _ref("endpoint"),
            "label": _ref("label"),
            "outcome": _text("the fine result under the label"),
            "recovered": _flag("failed here, but the same try succeeded at another address"),
            "count": _number("how many attempts"),
            "first_ts_ns": _time("of the first of them"),
            "last_ts_ns": _time("of the last of them"),
            "examples": _list(_number("id of an attempt"), "a few of them"),
        }
    )


def _attempt() -> Schema:
    frames = ("first", "syn", "syn_ack", "ack", "rst", "icmp", "client_data", "server_data", "fin")
    times = ("first", "last_syn", "answer", "client_data", "server_data", "end", "client_fin")
    reset = {
        "from_server": _flag("whether the server's side sent it"),
        "window": _number("window field", most=65535),
        "ip_id": _number("IP identification"),
        "seq": _number("sequence number", most=0xFFFFFFFF),
        "has_ack": _flag("whether the ACK flag is set"),
        "checksum": _enum("state of its TCP checksum", Checksum),
    }
    icmp = {
        "version": {"enum": [4, 6]},
        "type": _number("ICMP type", most=255),
        "code": _number("ICMP code", most=255),
        "sender": _text("address of the sender"),
    }
    return _object(
        {
            "type": {"const": "attempt"},
            "capture": _text("path as given"),
            "id": _number("number of the attempt in its capture"),
            "client": _ref("endpoint"),
            "server": _ref("endpoint"),
            "first_ts_ns": _time("of the attempt's first frame in file order"),
            "label": _ref("label"),
            "outcome": _text("the fine result under the label"),
            "syn_count": _number("SYNs of the client"),
            "frames": _object({name: _frame() for name in frames}, required=("first",)),
            "syn_ack_count": _number("SYN-ACKs of the server"),
            "times": _object({name: _time("of that event") for name in times}, required=("first",)),
            "events": _list({"type": "string"}, "what was observed"),
            "client_bytes": _number("payload bytes of the client, at least"),
            "server_bytes": _number("payload bytes of the server, at least"),
            "recovered": _flag("failed, but the same try succeeded at another address"),
            "process": _object({end: _or_null(_ref("process")) for end in ("client", "server")}),
            "display_filter": _text("Wireshark display filter that selects its key frames"),
            "reset": _object(reset),
            "icmp": _object(icmp),
        },
        optional=("process", "reset", "icmp"),
    )


def _process() -> Schema:
    return _object(
        {
            "pid": {
                "type": ["integer", "null"],
                "description": "its number; of a process that was gone before anybody could ask, that of the thread",
            },
            "name": {"type": ["string", "null"], "description": "what it calls itself"},
            "uid": {"type": ["integer", "null"], "description": "number of its user"},
            "container": {
                "type": ["string", "null"],
                "description": "name of its container, or the beginning of its number",
            },
            "unit": {"type": ["string", "null"], "description": "its systemd unit"},
            "source": _enum("who says so; capture: whoever wrote the file", ProcessSource),
        }
    )


def _target() -> Schema:
    return _object(
        {
            "type": {"const": "target"},
            "capture": _text("path as given"),
            "target": _text("as asked for, or the port found"),
            "port": _number("the number as given; it may lie above 65535"),
            "host": {"type": ["string", "null"], "description": "host name or address, if one was given"},
            "given": _flag("whether the user asked for it"),
            "label": _ref("label"),
            "counts": _ref("counts"),
            "outcomes": _counts("how many attempts had which outcome"),
            "recovered": _number("attempts that failed but succeeded at another address"),
            "failed": _flag("whether a finding of kind failure stands"),
            "claim": _enum("how strong client-never-sent is", Claim),
            "near_misses": _list(_ref("near_miss"), "what may have been meant"),
            "path": _list(_ref("stage"), "the stages in their order; empty where it was only counted"),
            "legs": _list(_ref("leg"), "the addresses that were tried, and the server's own attempts"),
            "setting": _ref("setting"),
            "why": _ref("why"),
        },
        optional=("claim", "near_misses", "path", "legs", "setting", "why"),
    )


def _why() -> Schema:
    names: Schema = {"type": "string"}
    factor = _object(
        {
            "word": _enum("how often the cause shows one of the signs", (word.value for word in Word)),
            "signs": _list(names, "the questions of the prediction; 'not' before one that is to be denied"),
            "holding": _list(names, "those that hold"),
            "looked_for": _list(names, "those that somebody looked for and could tell"),
            "weight": _logarithm("of what the answers make of the prediction"),
        }
    )
    candidate = _object(
        {
            "code": {"type": "string", "pattern": "^SYN[0-9]{3}$"},
            "slug": _text("short name of the cause"),
            "confidence": _enum("how sure it is", Confidence),
            "named": _flag("false where it is too improbable to be a finding"),
            "reason": _text("why it has this place"),
            "label": _ref("label"),
            "share": _number("its probability among those that stand, in thousandths", most=1000),
            "sum": _logarithm("of prior times factors"),
            "prior": _logarithm("of its prior, with what the answers make of its stages"),
            "stages": _list(names, "where it may have stopped the connection"),
            "factors": _list(factor, "its predictions that were answered"),
            "shown_by": _list(names, "the signs that make it a candidate and hold"),
            "proof": _list(names, "the signs that prove it, where they hold"),
            "contradicted_by": _list(names, "the signs that rule it out, where they hold"),
        }
    )
    return _object(
        {
            "stages": _list(names, "where the connection may have stopped"),
            "answers": {
                "type": "object",
                "additionalProperties": {"enum": ["yes", "no", "unknown"]},
                "description": "the answer to every question that was asked",
            },
            "candidates": _list(
                candidate, "the causes that were considered, best first, those ruled out last"
            ),
        }
    )


def _stage() -> Schema:
    return _object(
        {
            "stage": _enum("a stretch of the path that a connection walks", Stage),
            "state": _enum("what is known of it, for the legs that lead", State),
            "witnesses": _list(_ref("witness"), "who says something of it"),
            "took_ns": _number("how long it took, where it took long and that is known"),
        },
        optional=("took_ns",),
    )


def _witness() -> Schema:
    return _object(
        {
            "source": _enum("where it comes from", (item for item in Source if item is not Source.REQUEST)),
            "text": _text("one sentence; may quote bytes of the capture"),
            "frames": _frame_list(),
            "says": _enum("what it says of the stage", (State.PASSED, State.STOPPED, State.TOOK_LONG)),
            "direct": _flag("whether it met this very connection"),
        }
    )


def _leg() -> Schema:
    return _object(
        {
            "address": _text("IPv4 or IPv6 address"),
            "port": _number("TCP port", most=65535),
            "label": _ref("label"),
            "state": _enum("what is known of it as a whole", State),
            "role": _enum("the path's own, the same client's other address, or the server's own", Role),
            "stages": _list(_enum("a stage", Stage), "where it stopped or may have stopped"),
            "frames": _frame_list(),
            "took_ns": _number("how long a SYN was repeated before another address was tried"),
            "maker": _text("the process that made it, where a witness names it"),
        },
        optional=("took_ns", "maker"),
    )


def _setting() -> Schema:
    return _object(
        {
            "transport": _enum("what lies between client and service", Transport),
            "protocol": _text("what the service speaks, or should"),
            "system": _enum("where the capture was made", ("linux", "macos", "windows")),
        },
        optional=("transport", "protocol", "system"),
    )


def _finding() -> Schema:
    return _object(
        {
            "type": {"const": "finding"},
            "capture": _text("path as given"),
            "target": _text("the target it is about"),
            "code": {"type": "string", "pattern": "^SYN[0-9]{3}$"},
            "slug": _text("short name of the cause"),
            "kind": _enum("how bad it is", Kind),
            "confidence": _enum("how sure it is", Confidence),
            "title": _text("the headline"),
            "summary": _text("one or two sentences"),
            "reason": _text("why it has this confidence and place"),
            "evidence": _list(_ref("evidence"), "what supports it"),
            "against": _list(_ref("evidence"), "what contradicts it"),
            "unknown": _list({"type": "string"}, "what could not be checked"),
            "decided_by": {"type": ["string", "null"], "description": "what tells it from its look-alikes"},
            "look_alikes": _list({"type": "string"}, "codes it cannot be told from here"),
            "checks": _list(_ref("check"), "commands that decide"),
            "fixes": _list({"type": "string"}, "what to do"),
            "display_filter": _text(
                "Wireshark display filter for the frames named, else for the target's port"
            ),
        }
    )


def _cut() -> Schema:
    return _object(
        {
            "offset": _number("byte offset of the record that is not whole"),
            "frame": _number("last whole frame"),
            "reason": _text("what is wrong there"),
        }
    )


def _file() -> Schema:
    return _object(
        {
            "path": _text("path of the file"),
            "frames": _number("frames it holds"),
            "first_frame": _number("number of its first frame, counted through all files"),
            "cut": _cut(),
            "error": _text("why it could not be read"),
        },
        optional=("first_frame", "cut", "error"),
    )


def _health() -> Schema:
    return _object(
        {
            "type": {"const": "health"},
            "capture": _text("path as given"),
            "frames": _number("frames read"),
            "undecoded": _counts("frames not followed to a TCP header, by reason"),
            "skipped": _counts("frames left out because they were not asked for, by reason"),
            "truncated": _flag("whether the capture, or one of its files, ends before its last record does"),
            "linktypes": _list({"type": "string"}, "link types met"),
            "error": _text("why it could not be read"),
            "cut": _cut(),
            "format": _text("file format"),
            "tcp_segments": _number("segments looked at"),
            "duplicates": _number("segments recorded twice"),
            "strays": _number("segments that fit no attempt of their 4-tuple"),
            "snapped": _number("frames stored only in part"),
            "aggregated": _number("attempts settled before the end of the capture, to bound memory"),
            "dropped": {"type": ["integer", "null"], "description": "frames lost while capturing, if known"},
            "first_ts_ns": {"type": ["integer", "null"], "description": "first time stamp"},
            "last_ts_ns": {"type": ["integer", "null"], "description": "last time stamp"},
            "notes": _list({"type": "string"}, "what else a reader should know"),
            "files": _list(_ref("file"), "with --as-one: the files in order of time"),
            "interface": _text("live: where it was captured; any is every interface"),
            "received": _number("live: frames that passed the kernel's filter"),
            "canary": _enum("live: whether the capture saw its own test connection", Canary),
            "canary_text": _text("live: why not"),
            "ring_percent": _number("live: largest share of the ring that ever waited", most=100),
            "saved": _list({"type": "string"}, "live: files the frames were saved to"),
        },
        optional=(
            *("error", "cut", "files", "interface", "received", "canary", "canary_text", "ring_percent"),
            "saved",
        ),
    )


def _command() -> Schema:
    return _object(
        {
            "type": {"const": "command"},
            "capture": _text("as in the other records"),
            "argv": _list({"type": "string"}, "the command"),
            "exit_status": _number("as a shell shows it"),
            "ended": _text("how it ended, in words"),
            "last_lines": _list({"type": "string"}, "the last lines of its standard error"),
            "target_from": _text("where in the command the target was found, when it was not named"),
        },
        optional=("target_from",),
    )


def _attachment() -> Schema:
    return _object(
        {
            "type": {"const": "attachment"},
            "capture": _text("as in the other records"),
            "kind": _text("diagnosis: a report like this one; host-snapshot: what was known about the host"),
            "version": _text("version of the program that wrote it, as it says itself"),
            "made": _text("when it was written (UTC), as it says itself"),
            "text": _text("the document, as the file has it: nothing else in the report rests on it"),
        }
    )


def _object(
    properties: Mapping[str, object],
    *,
    optional: tuple[str, ...] = (),
    required: tuple[str, ...] | None = None,
) -> Schema:
    """Return an object schema; all properties are required but ``optional``, or only ``required``."""
    needed = [name for name in properties if name not in optional] if required is None else [*required]
    return {"type": "object", "properties": dict(properties), "required": needed}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


def _counts(description: str, names: Iterable[str] | None = None) -> Schema:
    counts: Schema = {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0},
        "description": description,
    }
    if names is not None:
        counts["propertyNames"] = {"enum": [str(name) for name in names]}
    return counts


def _enum(description: str, values: Iterable[str]) -> Schema:
    return {"enum": [str(value) for value in values], "description": description}


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _number(description: str, *, most: int | None = None) -> Schema:
    limits: Schema = {} if most is None else {"maximum": most}
    return {"type": "integer", "minimum": 0, "description": description} | limits


def _logarithm(description: str) -> Schema:
    return {"type": "integer", "description": f"natural logarithm, in thousandths, {description}"}


def _time(description: str) -> Schema:
    return {"type": "integer", "description": f"ns since the epoch {description}"}


def _frame() -> Schema:
    return {"type": "integer", "minimum": 1}


def _frame_list() -> Schema:
    return _list(_frame(), "1-based frame numbers, as Wireshark counts")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
