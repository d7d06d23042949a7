"""Stands in for Cython's ``cython`` module where that is not installed.

The engine's modules are ordinary Python with ``cython`` annotations. Compiled, they need neither
Cython nor this; interpreted, they only need the decorators and type names to exist. Annotations are
never evaluated (``from __future__ import annotations``), so this is all they touch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

compiled = False
bint = int = uint = longlong = ulonglong = Py_ssize_t = object  # noqa: A001 - Cython's own names

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")


def declare(_type: object = None, value: _T | None = None, **_names: object) -> _T | None:
    """Declare a typed module constant, or the types of some that follow; here, just the value."""
    return value


def cfunc(function: _F) -> _F:
    """Mark a function as C-only when compiled; unchanged here."""
    return function


def inline(function: _F) -> _F:
    """Ask the C compiler to inline; unchanged here."""
    return function


def boundscheck(_on: bool) -> Callable[[_F], _F]:
    """Say whether the compiled code checks indices; interpreted code always does."""
    return lambda function: function


class _Nogil:
    """Marks a function that needs no interpreter when compiled, and a block that runs without it."""

    def __call__(self, function: _F) -> _F:
        return function

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


nogil = _Nogil()
