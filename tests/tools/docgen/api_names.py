"""``docs/api-names.md``: every name of ``synscope.__all__``, and the types its attributes have, from the source.

Signatures, annotations and docstrings are read from the syntax tree: nothing is imported but to find the file.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from typing import Final

import synscope
from docgen.markdown import block, code, page, table
from synscope import model
from synscope.library import expectation

_LITERAL: Final = re.compile(r"``(.+?)``")
_WORD: Final = re.compile(r"\b[A-Z]\w+")
_CONSTANT: Final = re.compile(r"\b_[A-Z_]+\b")
_FIELDS: Final = ("attribute", "type", "what it is")
_MEMBERS: Final = ("member", "value")
_ALSO: Final = (expectation.Expectation, expectation.TargetExpectation)
"""Public through what ``expect`` returns."""


def text() -> str:
    """Return the page."""
    own = {name: getattr(synscope, name) for name in synscope.__all__ if name != "__version__"}
    own |= {thing.__name__: thing for thing in _ALSO}
    made_of = {name: getattr(model, name) for name in _reachable(own)}
    return page(
        "Library, name by name",
        "What can be imported from `synscope`, as the source declares it. [Library](api.md) shows how it is used "
        "and says what is promised. `Targets` is one target or several; a target (`TargetLike`) is a port number, a "
        "text as `-p` takes it, or a `Target`.",
        *(part for name in sorted(own) for part in _entry(own[name])),
        "## What they are made of",
        "Types of attributes. They are in `synscope.model` and are not meant to be made by a caller.",
        *(part for name in sorted(made_of) for part in _entry(made_of[name], level=3)),
    )


def _entry(thing: object, level: int = 2) -> Iterator[str]:
    node, module = _node(thing), str(getattr(thing, "__module__", ""))
    yield f"{'#' * level} {node.name}"
    if isinstance(node, ast.FunctionDef):
        yield block(_signature(node, module), "python")
        yield _prose(ast.get_docstring(node))
        return
    made = _methods(node).get("__init__")
    if made:
        yield block(_signature(made, module, node.name), "python")
    yield _prose(ast.get_docstring(node))
    members = [
        (code(target.id), code(ast.unparse(statement.value)))
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name)
    ]
    if members and _is_enum(node):
        yield table(_MEMBERS, members)
    fields = list(_fields(node))
    if fields:
        yield table(_FIELDS, fields)
    for method in _methods(node).values():
        if not method.name.startswith("_") and not _is_property(method):
            yield block(_signature(method, module), "python")
            yield _prose(ast.get_docstring(method))


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.target.id[0] != "_"
        ):
            said = ast.literal_eval(after.value) if _is_text(after) else None  # type: ignore[union-attr]
            yield (
                code(statement.target.id),
                code(ast.unparse(statement.annotation)),
                _prose(said).replace("\n", " "),
            )
    for method in _methods(node).values():
        if _is_property(method) and not method.name.startswith("_"):
            assert method.returns is not None
            said = _prose(ast.get_docstring(method)).replace("\n", " ")
            yield code(method.name), code(ast.unparse(method.returns)), said


def _signature(node: ast.FunctionDef, module: str, name: str | None = None) -> str:
    """Return how it is called; a default that is a constant of its module is spelled out."""
    arguments = re.sub(r"^self(?:, )?", "", ast.unparse(node.args)).replace("=", " = ")
    arguments = _CONSTANT.sub(lambda match: repr(vars(sys.modules[module])[match[0]]), arguments)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and name is None else ""
    return f"{name or node.name}({arguments}){returns}"


def _reachable(own: dict[str, object]) -> set[str]:
    """Return the names of the types of ``model`` that attributes of ``own`` lead to, those left out."""
    waiting, found = list(own.values()), set[str]()
    while waiting:
        node = _node(waiting.pop())
        if not isinstance(node, ast.ClassDef):
            continue
        for _, annotation, _ in _fields(node):
            for name in _WORD.findall(annotation):
                member = vars(model).get(name)
                if (
                    inspect.isclass(member)
                    and member.__module__ == model.__name__
                    and name not in {*own, *found}
                ):
                    found.add(name)
                    waiting.append(member)
    return found


def _node(thing: object) -> ast.ClassDef | ast.FunctionDef:
    assert inspect.isclass(thing) or inspect.isfunction(thing)
    for node in _tree(thing.__module__).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == thing.__name__:
            return node
    raise LookupError(f"{thing.__name__} is not declared in {thing.__module__}")


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))


def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {statement.name: statement for statement in node.body if isinstance(statement, ast.FunctionDef)}


def _is_property(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) in {"property", "cached_property"} for decorator in node.decorator_list)


def _is_enum(node: ast.ClassDef) -> bool:
    return any("Enum" in ast.unparse(base) for base in node.bases)


def _is_text(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _prose(text: str | None) -> str:
    """Return a docstring as Markdown: paragraphs on one line each, literals in single backticks."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(_LITERAL.sub(r"`\1`", " ".join(paragraph.split())) for paragraph in paragraphs)
