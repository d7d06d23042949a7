"""The check of distributions names whatever is missing, superfluous or of another version."""

from __future__ import annotations

import io
import runpy
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from synscope._version import VERSION

TOOL = Path(__file__).with_name("check_distributions.py")
ROOT = TOOL.parents[2]
NAME = f"synscope-{VERSION}"
PURE = f"{NAME}-py3-none-any.whl"
COMPILED = f"{NAME}-cp311-cp311-linux_x86_64.whl"
PACKAGE = {
    path.relative_to(ROOT / "src").as_posix(): b""
    for path in (ROOT / "src" / "synscope").rglob("*.*")
    if path.is_file() and path.suffix not in {".pyc", ".so", ".pyd", ".c"}
}
BINARIES = {
    f"synscope/engine/{name}.cpython-311-x86_64-linux-gnu.so": b""
    for name in ("records", "headers", "attempts", "fold", "blocks", "copies")
}


def metadata(version: str = VERSION) -> bytes:
    return f"Metadata-Version: 2.4\nName: synscope\nVersion: {version}\n".encode()


def write_wheel(path: Path, files: dict[str, bytes], *, pure: bool, version: str = VERSION) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{NAME}.dist-info/METADATA", metadata(version))
        archive.writestr(f"{NAME}.dist-info/WHEEL", f"Root-Is-Purelib: {str(pure).lower()}\n")


def write_sdist(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sdist is that of another checkout, which is not compared, unless a test puts one there."""
    write_sdist(tmp_path / f"{NAME}.tar.gz", {"PKG-INFO": metadata()})
    write_wheel(tmp_path / PURE, PACKAGE, pure=True)
    write_wheel(tmp_path / COMPILED, PACKAGE | BINARIES, pure=False)
    return tmp_path


def wrong(folder: Path) -> list[str]:
    """Run the check; leave out the files that the sdist lacks, which are those of the whole checkout."""
    tool = runpy.run_path(str(TOOL))
    return [line for line in tool["wrong"](folder) if f"{NAME}.tar.gz: lacks " not in line]


def test_wheels_as_they_should_be(folder: Path) -> None:
    assert wrong(folder) == []


@pytest.mark.parametrize("name", ["tests/test_it.py", "synscope/engine/fold.c", "synscope/old.py"])
def test_a_wheel_that_holds_more(folder: Path, name: str) -> None:
    write_wheel(folder / PURE, PACKAGE | {name: b""}, pure=True)
    assert wrong(folder) == [f"{PURE}: holds {name}"]


def test_a_wheel_that_lacks_a_module(folder: Path) -> None:
    write_wheel(folder / PURE, {name: b"" for name in PACKAGE if name != "synscope/py.typed"}, pure=True)
    assert wrong(folder) == [f"{PURE}: lacks synscope/py.typed"]


def test_a_wheel_whose_compiler_failed(folder: Path) -> None:
    missing = {name: b"" for name in BINARIES if "fold" not in name}
    write_wheel(folder / COMPILED, PACKAGE | missing, pure=False)
    (said,) = wrong(folder)
    assert said.startswith(f"{COMPILED}: has compiled [")
    assert said.endswith("not ['attempts', 'blocks', 'copies', 'fold', 'headers', 'records']")


def test_a_pure_wheel_that_is_not(folder: Path) -> None:
    write_wheel(folder / PURE, PACKAGE, pure=False)
    assert wrong(folder) == [f"{PURE}: is not pure, whatever its name says"]


def test_another_version_inside(folder: Path) -> None:
    write_wheel(folder / PURE, PACKAGE, pure=True, version="9.9.9")
    assert wrong(folder) == [f"{PURE}: calls itself synscope 9.9.9, not synscope {VERSION}"]


def test_what_is_not_there_and_what_should_not_be(folder: Path) -> None:
    (folder / PURE).rename(folder / "synscope-9.9.9-py3-none-any.whl")
    assert wrong(folder) == [
        f"{PURE}: is not there",
        "synscope-9.9.9-py3-none-any.whl: is no distribution of this version",
    ]


def test_an_sdist_that_holds_or_lacks_something(tmp_path: Path) -> None:
    """In a checkout of its own, so that there is something to compare with."""
    checkout = tmp_path / "checkout"
    for name in (".build/build.py", "src/synscope/_version.py", "tests/tools/check_distributions.py"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    (checkout / ".gitignore").write_text("__pycache__/\n")
    try:
        subprocess.run(["git", "init", "-q", checkout], check=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    folder = tmp_path / "dist"
    folder.mkdir()
    write_wheel(folder / PURE, {"synscope/_version.py": b""}, pure=True)
    write_sdist(
        folder / f"{NAME}.tar.gz",
        {
            "PKG-INFO": metadata(),
            "src/synscope.egg-info/SOURCES.txt": b"",
            "src/synscope/_version.py": b"",
            "tests/__pycache__/x.pyc": b"",
            "tests/tools/check_distributions.py": b"",
        },
    )
    done = subprocess.run(
        [sys.executable, checkout / "tests" / "tools" / TOOL.name, folder],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{NAME}.tar.gz: lacks .build/build.py",
        f"{NAME}.tar.gz: holds tests/__pycache__/x.pyc",
    ]
