"""A diagnosis as one line of JSON between two processes of the same version, whole and typed on both ends.

Input: a ``Diagnosis``. Output: JSON, and back. The shape is that of ``model``'s types: an object for each record,
the value of an enum, base64 of bytes. It is private; ``report.schema`` is the one that is published.

Invariant: what is read back has the types that ``model`` declares or is refused, for whoever wrote it has parsed
packets of strangers, and whoever reads it may have every privilege.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import json
import types
import typing
from collections.abc import Callable

from synscope.model import Diagnosis


class WireError(ValueError):
    """The text is no diagnosis."""


def to_json(diagnosis: Diagnosis) -> str:
    """Return ``diagnosis`` as one line, ASCII only."""
    return json.dumps(_plain(diagnosis), separators=(",", ":"))


def from_json(text: str | bytes) -> Diagnosis:
    """Return the diagnosis that ``to_json`` wrote. Raises ``WireError``."""
    try:
        found = _typed(Diagnosis, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise WireError(f"no diagnosis: {error}") from error
    if not isinstance(found, Diagnosis):
        raise WireError("no diagnosis")
    return found


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    fields = _names(type(value))
    if fields is not None:
        return {name: _plain(getattr(value, name)) for name in fields}
    if isinstance(value, tuple | frozenset):
        return [_plain(item) for item in value]
    return value


def _typed(kind: object, value: object) -> object:
    """Return ``value`` as a value of the annotation ``kind``."""
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is types.UnionType:  # in the model always something or None
        return None if value is None else _typed(arguments[0], value)
    if origin in {tuple, frozenset} and isinstance(value, list):
        return origin(_typed(arguments[0], item) for item in value)
    if origin is dict and isinstance(value, dict):
        return {_typed(arguments[0], key): _typed(arguments[1], item) for key, item in value.items()}
    if isinstance(kind, type):
        return _instance(kind, value)
    raise WireError(f"{type(value).__name__} in place of {kind}")


def _instance(kind: type, value: object) -> object:
    if issubclass(kind, enum.Enum):
        return kind(value)
    names = _names(kind)
    if names is not None and isinstance(value, dict) and value.keys() == set(names):
        hints = _hints(kind)
        return kind(**{name: _typed(hints[name], value[name]) for name in names})
    if kind is bytes and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if kind is float and type(value) in {int, float}:
        return value
    if type(value) is kind:
        return value
    raise WireError(f"{type(value).__name__} in place of {kind.__name__}")


_hints: Callable[[typing.Any], dict[str, object]] = functools.cache(typing.get_type_hints)


def _names(kind: type) -> tuple[str, ...] | None:
    """Names of a record's fields, ``None`` for what is no record."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    fields: tuple[str, ...] | None = getattr(kind, "_fields", None)
    return fields
