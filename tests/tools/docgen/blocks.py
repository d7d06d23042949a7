"""Refreshes the marked parts of hand-written pages: samples of real output, and tables of fields.

A part begins with one of these comments and ends with ``<!-- end -->``; what stands between is replaced:

* ``<!-- output: synscope … -->``: the command and what it writes
* ``<!-- record TYPE: synscope … -->``: the first record of that type that the command (in JSON Lines) writes
* ``<!-- fields: NAME -->``: the fields of a definition of the JSON Schema
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docgen.markdown import block, code, prose, table
from docgen.samples import run
from synscope.report import schema

_PART = re.compile(
    r"(?P<begin><!-- (?P<kind>output|record|fields)(?: (?P<type>\w+))?: (?P<what>[^\n]+?) -->\n)"
    r".*?(?P<end><!-- end -->)",
    re.DOTALL,
)


def refresh(text: str, root: Path) -> str:
    """Return ``text`` with its marked parts made anew. ``root`` is the folder that commands run in."""
    return _PART.sub(lambda part: f"{part['begin']}{_made(part, root)}\n{part['end']}", text)


def has_parts(text: str) -> bool:
    """Return whether ``text`` has a marked part."""
    return _PART.search(text) is not None


def _made(part: re.Match[str], root: Path) -> str:
    what = part["what"]
    if part["kind"] == "fields":
        return _fields(what)
    output, _ = run(what, root)
    if part["kind"] == "output":
        return block(f"$ {what}\n{output}")
    records = (json.loads(line) for line in output.splitlines())
    record = next(record for record in records if record["type"] == part["type"])
    return block(json.dumps(record, indent=2, ensure_ascii=False), "json")


def _fields(name: str) -> str:
    definitions: Any = schema.document()["$defs"]
    definition = definitions[name]
    required = definition["required"]
    return table(
        ("field", "type", "what it is"),
        (
            (code(field), _type(shape), _what(shape) + ("" if field in required else " (not always there)"))
            for field, shape in definition["properties"].items()
        ),
    )


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2].replace("_", " ")
    if "anyOf" in shape:
        return " or ".join(map(_type, shape["anyOf"]))
    if "const" in shape:
        return code(json.dumps(shape["const"]))
    if "enum" in shape:
        return "one of " + ", ".join(code(json.dumps(value)) for value in shape["enum"])
    kind = shape["type"]
    if kind == "array":
        return f"list of {_type(shape['items'])}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _what(shape: dict[str, Any]) -> str:
    said = prose(shape.get("description", ""))
    inside = shape.get("properties")
    if inside:
        said = f"{said} " if said else ""
        said += "with " + ", ".join(
            code(name)
            + ("" if name in shape["required"] else " (if any)")
            + (f": {_type(part)}" if "anyOf" in part else "")
            for name, part in inside.items()
        )
    return said
