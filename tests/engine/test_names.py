"""The numbers of the registries: each stands once, and the compiled modules know its type."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from synscope.engine import COMPILED_MODULES, TABLES, names
from synscope.engine.names import LINKTYPE_NAMES, REASONS, linktype_name

ENGINE = Path(names.__file__).parent
_C_RANGE = {"uint": range(1 << 32), "Py_ssize_t": range(1 << 31), "ulonglong": range(1 << 64)}


@pytest.mark.parametrize(
    ("number", "name"),
    [(1, "EN10MB"), (276, "LINUX_SLL2"), (101, "RAW"), (12, "RAW"), (14, "RAW"), (4242, "LINKTYPE_4242")],
)
def test_name_of_a_link_type(number: int, name: str) -> None:
    """libpcap's, or the number itself."""
    assert linktype_name(number) == name


def test_names_of_link_types_are_plain_words() -> None:
    """They go into reports and JSON as they are."""
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in LINKTYPE_NAMES.values())


@pytest.mark.parametrize("prefix", ["LINKTYPE_", "ETHERTYPE_", "PROTOCOL_", "ARPHRD_", "PORT_", "REASON_"])
def test_no_two_names_of_a_registry_are_one_number(prefix: str) -> None:
    numbers = [value for name, value in vars(names).items() if name.startswith(prefix) and name.isupper()]
    numbers = [number for number in numbers if isinstance(number, int)]
    assert len(numbers) > 5
    assert len(set(numbers)) == len(numbers)


def test_every_reason_has_a_text() -> None:
    """The first text is empty: no frame ends for reason 0."""
    numbers = [value for name, value in vars(names).items() if name.startswith("REASON_")]
    assert sorted(numbers) == list(range(1, len(REASONS)))
    assert all(REASONS[1:])
    assert len(set(REASONS)) == len(REASONS)


@pytest.mark.parametrize("module", COMPILED_MODULES)
def test_every_imported_number_has_a_c_type(module: str) -> None:
    """One that is declared and not imported would be 0 when compiled; one out of its type's range another number."""
    tree = ast.parse((ENGINE / f"{module}.py").read_text("utf-8"))
    types: dict[str, str] = {}
    imported: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            for keyword in node.value.keywords:
                assert keyword.arg is not None
                assert isinstance(keyword.value, ast.Name)
                assert keyword.arg not in types
                types[keyword.arg] = keyword.value.id
        if isinstance(node, ast.ImportFrom) and node.module:
            imported.update((name.name, node.module) for name in node.names if name.name.isupper())
    tables = {f"synscope.engine.{table.removesuffix('.py')}" for table in TABLES}
    numbers = {
        name: getattr(__import__(source, fromlist=[name]), name)
        for name, source in imported.items()
        if source in tables and name != "BIT"
    }
    assert types.keys() == numbers.keys()
    assert all(numbers[name] in _C_RANGE[c_type] for name, c_type in types.items())
