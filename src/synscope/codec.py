"""Typed records as JSON and back, checked field by field: anybody may have written the text.

Input: a record (a ``NamedTuple`` or a dataclass), or the JSON text of one. Output: the other. A record is an object
with the record's fields, a ``tuple[X, ...]`` or a frozenset is an array, a dict is an object, an enum member is its
value, bytes are base64. A union has ``None``, records, or one other kind in it; an object is read as the last of the
union's records whose first field it has. A field with a default may be left out.

Invariant: what is read has the annotated types and keeps within the limits, or it is refused. What is too long for
the limits is clipped on writing, so that a codec reads all that it wrote.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

Record = TypeVar("Record")


class Limits(NamedTuple):
    """How large a document and its parts may be; ``None`` is no limit."""

    document: int | None = None
    """Bytes, or characters, of the whole text."""
    text: int | None = None
    """Characters of one text."""
    items: int | None = None
    """Items of one array."""
    number: int | None = None
    """The largest whole number, and its negative the smallest."""
    whole_characters: bool = False
    """Whether a text with a lone surrogate is refused; on writing a question mark takes its place."""


_UNLIMITED: Final = Limits()


@dataclasses.dataclass(frozen=True, slots=True)
class Codec(Generic[Record]):
    """Writes and reads documents of one kind. ``Codec(Snapshot, "host snapshot", "snapshot", SnapshotError)``."""

    record: type[Record]
    """The outermost record."""
    document: str
    """What error texts call the whole document."""
    root: str
    """What error texts call the outermost record: ``root.field[0].field is not a text``."""
    error: type[ValueError]
    """What is raised for any other text."""
    limits: Limits = _UNLIMITED

    def to_json(self, record: Record) -> str:
        """Return the document in one line, ASCII only."""
        return json.dumps(self.to_plain(record), separators=(",", ":"))

    def from_json(self, text: str | bytes) -> Record:
        """Return the record in a document. Raises ``error`` for any other text."""
        return self.from_plain(self.parsed(text))

    def parsed(self, text: str | bytes) -> object:
        """Return the plain JSON value in a text. Raises ``error`` for what is too long or not JSON."""
        longest = self.limits.document
        if longest is not None and len(text) > longest:
            raise self.error(f"a {self.document} is at most {longest >> 20} MiB long")
        try:
            return json.loads(text, parse_constant=self._refuse_constant)
        except RecursionError as error:
            raise self.error(f"no {self.document}: nested too deeply") from error
        except ValueError as error:
            raise self.error(f"no {self.document}: not JSON ({error})") from error

    def _refuse_constant(self, name: str) -> NoReturn:
        raise self.error(f"no {self.document}: {name} is no number")

    def to_plain(self, record: Record) -> dict[str, Any]:
        """Return the document as plain dictionaries, lists, texts and numbers."""
        plain: dict[str, Any] = self._plain(record)
        return plain

    def from_plain(self, value: object) -> Record:
        """Return the record in a plain JSON value. Raises ``error`` naming the field that is wrong."""
        record: Record = self._typed(self.record, value, self.root)
        return record

    # -- writing --------------------------------------------------------------------------------------

    def _plain(self, value: Any) -> Any:  # noqa: ANN401 - any annotated value becomes any JSON value
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, str):
            return self._clipped(value)
        if isinstance(value, bytes):
            return base64.b64encode(value).decode("ascii")
        return self._plain_parts(value)

    def _plain_parts(self, value: Any) -> Any:  # noqa: ANN401 - see _plain
        if isinstance(value, dict):
            return {self._plain(key): self._plain(item) for key, item in value.items()}
        kind: Any = type(value)
        shape = _shape(kind)
        if shape is not None:
            return {name: self._plain(getattr(value, name)) for name in shape.kinds}
        if isinstance(value, tuple | frozenset):
            return [self._plain(item) for item in islice(value, self.limits.items)]
        return value

    def _clipped(self, text: str) -> str:
        text = text[: self.limits.text]
        return text.encode(errors="replace").decode() if self.limits.whole_characters else text

    # -- reading --------------------------------------------------------------------------------------

    def _typed(self, kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - kind is an annotation
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is types.UnionType or origin is typing.Union:
            return self._typed(self._member(arguments, value), value, where)
        if origin is dict:
            return dict(self._entries(arguments, value, where))
        if origin is frozenset or (origin is tuple and arguments[1:] == (...,)):
            return origin(self._items(arguments[0], value, where))
        if origin is not None:
            raise TypeError(f"no JSON value stands for {kind}")
        if issubclass(kind, enum.Enum):
            return self._enum_member(kind, value, where)
        shape = _shape(kind)
        if shape is not None:
            return kind(**self._fields(shape, value, where))
        return self._bytes(value, where) if kind is bytes else self._scalar(kind, value, where)

    def _member(self, kinds: tuple[Any, ...], value: object) -> object:
        """Return which kind of a union a value must be of."""
        told = [kind for kind in kinds if kind is not types.NoneType]
        if value is None and len(told) < len(kinds):
            return types.NoneType
        if isinstance(value, dict):
            for kind in reversed(told):
                shape = _shape(kind)
                if shape is not None and next(iter(shape.kinds)) in value:
                    return kind
        return told[0]

    def _fields(self, shape: _Shape, value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{where} is not an object")
        unknown = value.keys() - shape.kinds.keys()
        if unknown:
            raise self.error(f"{where} has an unknown field {min(unknown)[:40]!r}")
        missing = shape.kinds.keys() - value.keys() - shape.optional
        if missing:
            raise self.error(f"{where} lacks the field {min(missing)!r}")
        return {name: self._typed(shape.kinds[name], part, f"{where}.{name}") for name, part in value.items()}

    def _entries(self, kinds: tuple[Any, ...], value: object, where: str) -> Iterable[tuple[Any, Any]]:
        if not isinstance(value, dict):
            raise self.error(f"{where} is not an object")
        self._check_size(value, where)
        for name, item in value.items():
            place = f"{where}[{name[:40]!r}]"
            yield self._typed(kinds[0], name, place), self._typed(kinds[1], item, place)

    def _items(self, kind: object, value: object, where: str) -> Iterable[Any]:
        if not isinstance(value, list):
            raise self.error(f"{where} is not a list")
        self._check_size(value, where)
        return (self._typed(kind, item, f"{where}[{at}]") for at, item in enumerate(value))

    def _check_size(self, value: typing.Sized, where: str) -> None:
        most = self.limits.items
        if most is not None and len(value) > most:
            raise self.error(f"{where} has more than {most} items")

    def _enum_member(self, kind: type[enum.Enum], value: object, where: str) -> enum.Enum:
        for member in kind:
            if type(value) is type(member.value) and value == member.value:
                return member
        raise self.error(f"{where} is none of: {', '.join(str(member.value) for member in kind)}")

    def _bytes(self, value: object, where: str) -> bytes:
        if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as error:
                raise self.error(f"{where} is not base64: {error}") from error
        raise self.error(f"{where} is not base64")

    def _scalar(self, kind: type, value: object, where: str) -> object:
        # A boolean is an int to isinstance, and must not pass for a number.
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise self.error(f"{where} is not {_WORDS[kind]}")
        if isinstance(value, str):
            self._check_text(value, where)
        largest = self.limits.number
        if largest is not None and isinstance(value, int) and not -largest <= value <= largest:
            raise self.error(f"{where} is too large a number")
        return value

    def _check_text(self, value: str, where: str) -> None:
        longest = self.limits.text
        if longest is not None and len(value) > longest:
            raise self.error(f"{where} is longer than {longest} characters")
        if self.limits.whole_characters:
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise self.error(f"{where} holds half a character") from error


_WORDS: Final = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    types.NoneType: "null",
}


class _Shape(NamedTuple):
    """The fields of a record with their types, and those that may be left out."""

    kinds: dict[str, Any]
    optional: frozenset[str]


@cache
def _shape(kind: Any) -> _Shape | None:  # noqa: ANN401 - a class
    """Return the fields of a record's class, ``None`` for a class of anything else."""
    if dataclasses.is_dataclass(kind):
        fields = dataclasses.fields(kind)
        names = tuple(field.name for field in fields)
        unset = dataclasses.MISSING
        optional = [
            field.name for field in fields if field.default is not unset or field.default_factory is not unset
        ]
    elif hasattr(kind, "_field_defaults"):
        names, optional = kind._fields, kind._field_defaults
    else:
        return None
    hints = typing.get_type_hints(kind)
    return _Shape({name: hints[name] for name in names}, frozenset(optional))
