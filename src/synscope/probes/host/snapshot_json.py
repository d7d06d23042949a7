"""A snapshot as a JSON document, and back. A document may come from anybody: it is checked field by field.

``to_json`` clips what is too long, so that ``from_json`` takes all it wrote. The shape is that of ``records``:
a named tuple is an object, a tuple an array. There are no other fields, no other types and no larger sizes.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from functools import cache
from typing import Any, Final, NamedTuple

from synscope.probes.host.snapshot import VERSION, Snapshot

LONGEST_DOCUMENT: Final = 8 << 20
LONGEST_TEXT: Final = 1000
MOST_ITEMS: Final = 2000
_LARGEST_NUMBER: Final = (1 << 63) - 1


class SnapshotError(ValueError):
    """The text is no snapshot of a host; the message names the field."""


def to_json(snapshot: Snapshot) -> str:
    """Return the document, in one line."""
    return json.dumps(snapshot_document(snapshot), ensure_ascii=True, separators=(",", ":"))


def snapshot_document(snapshot: Snapshot) -> dict[str, object]:
    """Return the document as plain dictionaries, lists, texts and numbers."""
    return {name: _plain(value) for name, value in snapshot._asdict().items()}


def from_json(text: str | bytes) -> Snapshot:
    """Return the snapshot in a document. Raises ``SnapshotError`` for any other text."""
    if len(text) > LONGEST_DOCUMENT:
        raise SnapshotError(f"a host snapshot is at most {LONGEST_DOCUMENT >> 20} MiB long")
    try:
        document = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise SnapshotError("no host snapshot: nested too deeply") from error
    except ValueError as error:
        raise SnapshotError(f"no host snapshot: not JSON ({error})") from error
    if isinstance(document, dict) and document.get("version", VERSION) != VERSION:
        raise SnapshotError(
            f"version {str(document['version'])[:20]} of host snapshots is unknown here; this reads {VERSION}"
        )
    made: Snapshot = _read(Snapshot, document, "snapshot")
    return made


def _no_number(name: str) -> object:
    raise SnapshotError(f"no host snapshot: {name} is no number")


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value[:LONGEST_TEXT].encode(errors="replace").decode()
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is not None:
            return {name: _plain(part) for name, part in zip(names, value, strict=True)}
        return [_plain(part) for part in value[:MOST_ITEMS]]
    return value


def _read(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - kind is a type, the result is of it
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return _read_union(typing.get_args(kind), value, where)
    if typing.get_origin(kind) is tuple:
        return _read_items(typing.get_args(kind)[0], value, where)
    if issubclass(kind, tuple):
        return _read_record(kind, value, where)
    if issubclass(kind, enum.StrEnum):
        if value not in {one.value for one in kind if isinstance(value, str)}:
            raise SnapshotError(f"{where} is none of: {', '.join(kind)}")
        return kind(value)
    return _read_plain(kind, value, where)


def _read_plain(kind: type, value: object, where: str) -> object:
    # A boolean is an int to isinstance, and must not pass for a number.
    if type(value) is not kind:
        raise SnapshotError(f"{where} is not {_WORDS[kind]}")
    if isinstance(value, str):
        _check_text(value, where)
    if isinstance(value, int) and not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
        raise SnapshotError(f"{where} is too large a number")
    return value


_WORDS: Final = {str: "a text", int: "a whole number", bool: "true or false", type(None): "null"}


def _check_text(value: str, where: str) -> None:
    if len(value) > LONGEST_TEXT:
        raise SnapshotError(f"{where} is longer than {LONGEST_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SnapshotError(f"{where} holds half a character") from error


def _read_union(kinds: tuple[Any, ...], value: object, where: str) -> Any:  # noqa: ANN401 - of one of the kinds
    if value is None and type(None) in kinds:
        return None
    told = [kind for kind in kinds if kind is not type(None)]
    untold = [kind for kind in told if "could_not_tell" in getattr(kind, "_fields", ())]
    if untold and isinstance(value, dict) and "could_not_tell" in value:
        return _read(untold[0], value, where)
    return _read(next(kind for kind in told if kind not in untold), value, where)


def _read_items(kind: Any, value: object, where: str) -> tuple[Any, ...]:  # noqa: ANN401 - a type
    if not isinstance(value, list):
        raise SnapshotError(f"{where} is not a list")
    if len(value) > MOST_ITEMS:
        raise SnapshotError(f"{where} has more than {MOST_ITEMS} items")
    return tuple(_read(kind, item, f"{where}[{at}]") for at, item in enumerate(value))


class _Shape(NamedTuple):
    """The fields of a record with their types, and those that may be left out."""

    kinds: dict[str, Any]
    optional: frozenset[str]


@cache
def _shape(record: Any) -> _Shape:  # noqa: ANN401 - a NamedTuple class
    return _Shape(typing.get_type_hints(record), frozenset(record._field_defaults))


def _read_record(record: Any, value: object, where: str) -> Any:  # noqa: ANN401 - a NamedTuple class, and one of it
    if not isinstance(value, dict):
        raise SnapshotError(f"{where} is not an object")
    shape = _shape(record)
    unknown = value.keys() - shape.kinds.keys()
    if unknown:
        raise SnapshotError(f"{where} has an unknown field {min(unknown)[:40]!r}")
    missing = shape.kinds.keys() - value.keys() - shape.optional
    if missing:
        raise SnapshotError(f"{where} lacks the field {min(missing)!r}")
    return record(**{name: _read(shape.kinds[name], part, f"{where}.{name}") for name, part in value.items()})
