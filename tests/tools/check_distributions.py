"""Check what was built for a release: that each file holds what it should, and nothing else.

    python tests/tools/check_distributions.py FOLDER

FOLDER holds one sdist, one pure wheel and any number of wheels for platforms, all of this checkout's version. A
wheel holds the package and its metadata; a platform's wheel also every compiled module. The sdist holds the files of
this checkout, where git tells them, but for what only git needs. Prints a line for each file; exits 1 and names
what is wrong.
"""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "synscope/engine"
GENERATED = re.compile(r"PKG-INFO|setup\.cfg|src/synscope\.egg-info/[^/]+")
"""What setuptools adds to an sdist."""

LEFT_BEHIND = re.compile(rf"\.(?:pyc|so|pyd)$|^{ENGINE}/.*\.(?:c|html)$")
"""What running and compiling leave in the package's folder."""

GITS_OWN = frozenset({".gitignore"})
PURE_TAG = "py3-none-any"


def version() -> str:
    """Return the version of this checkout."""
    return _assigned(ROOT / "src" / "synscope" / "_version.py", r'"(.+)"')


def compiled_modules() -> frozenset[str]:
    """Return the names of the modules that are compiled."""
    listed = _assigned(ROOT / ".build" / "build.py", r"\((.+)\)", "COMPILED")
    return frozenset(re.findall(r'"(\w+)"', listed))


def package_files() -> frozenset[str]:
    """Return the files of the package as they lie in a wheel, without what compiling leaves among them."""
    source = ROOT / "src"
    return frozenset(
        path.relative_to(source).as_posix()
        for path in (source / "synscope").rglob("*.*")
        if path.is_file() and not LEFT_BEHIND.search(path.relative_to(source).as_posix())
    )


def sources() -> frozenset[str] | None:
    """Return the files of this checkout, the new ones too; ``None`` where there is no checkout, or no git."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return None
    command = [
        "git",
        "-c",
        f"safe.directory={ROOT}",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return frozenset(name for name in listed.splitlines() if (ROOT / name).exists())


def wrong_in_sdist(path: Path, wanted: AbstractSet[str] | None) -> Iterator[str]:
    """Say what is wrong with an sdist; ``wanted`` is what it should hold, ``None`` where that is not known."""
    with tarfile.open(path) as archive:
        inside = {
            PurePosixPath(member.name).relative_to(path.name.removesuffix(".tar.gz")).as_posix(): member
            for member in archive.getmembers()
            if not member.isdir()
        }
        stream = archive.extractfile(inside["PKG-INFO"])
        yield from _wrong_metadata(stream.read() if stream else b"")
    if wanted is not None:
        own = {name for name in inside if not GENERATED.fullmatch(name)}
        yield from (f"lacks {name}" for name in sorted(wanted - own - GITS_OWN))
        yield from (f"holds {name}" for name in sorted(own - wanted))


def wrong_in_wheel(path: Path, package: AbstractSet[str], modules: AbstractSet[str]) -> Iterator[str]:
    """Say what is wrong with a wheel of ``package``, its files, of which ``modules`` should be compiled as well."""
    metadata = f"synscope-{version()}.dist-info"
    with zipfile.ZipFile(path) as archive:
        inside = {name for name in archive.namelist() if not name.startswith(f"{metadata}/")}
        yield from _wrong_metadata(archive.read(f"{metadata}/METADATA"))
        is_pure = b"Root-Is-Purelib: true" in archive.read(f"{metadata}/WHEEL")
    compiled = {name for name in inside if name.endswith((".so", ".pyd"))}
    if is_pure != path.name.endswith(f"-{PURE_TAG}.whl"):
        yield f"is {'' if is_pure else 'not '}pure, whatever its name says"
    found = {PurePosixPath(name).name.partition(".")[0] for name in compiled if name.startswith(f"{ENGINE}/")}
    if found != modules or len(compiled) != len(modules):
        yield f"has compiled {sorted(compiled)}, not {sorted(modules)}"
    yield from (f"lacks {name}" for name in sorted(package - inside))
    yield from (f"holds {name}" for name in sorted(inside - package - compiled))


def wrong(folder: Path) -> Iterator[str]:
    """Say what is wrong with the distributions of a folder."""
    name = f"synscope-{version()}"
    sdist, pure = folder / f"{name}.tar.gz", folder / f"{name}-{PURE_TAG}.whl"
    files = sorted(folder.iterdir())
    yield from (f"{file.name}: is not there" for file in (sdist, pure) if file not in files)
    package = package_files()
    for file in files:
        print(file.name)
        if file == sdist:
            said = wrong_in_sdist(file, sources())
        elif re.fullmatch(rf"{re.escape(name)}-(cp\d+-cp\d+|py3-none)-\w+(\.\w+)*\.whl", file.name):
            said = wrong_in_wheel(file, package, frozenset() if file == pure else compiled_modules())
        else:
            said = iter(["is no distribution of this version"])
        yield from (f"{file.name}: {what}" for what in said)


def _wrong_metadata(data: bytes) -> Iterator[str]:
    fields = email.message_from_bytes(data)
    if (fields["Name"], fields["Version"]) != ("synscope", version()):
        yield f"calls itself {fields['Name']} {fields['Version']}, not synscope {version()}"


def _assigned(path: Path, pattern: str, name: str = "VERSION") -> str:
    found = re.search(rf"^{name} = {pattern}$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path}: no {name}")
    return found[1]


def main() -> int:
    """Check, print, and return the exit status."""
    (folder,) = sys.argv[1:]
    if sources() is None:
        print("no checkout, or no git: the sdist's files are not compared")
    found = list(wrong(Path(folder)))
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
