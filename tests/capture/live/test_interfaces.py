"""Interfaces and namespaces: of this machine's kernel, and of container engines that misbehave."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("Linux's interfaces", allow_module_level=True)

from synscope.capture.live import interfaces as module
from synscope.capture.live.interfaces import (
    Interface,
    NamespaceError,
    entered,
    interfaces,
    is_up,
    loopback_index,
    name_of,
    namespace_of_container,
    namespace_of_name,
    namespace_of_process,
)
from tests.kernel import namespace, run

HERE = Path("/proc/self/ns/net")


def _here() -> Path:
    """What the calling thread's namespace is called."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/ns/net").readlink()


@pytest.mark.usefixtures("kernel")
def test_interfaces_of_a_namespace() -> None:
    with namespace() as name:
        run("ip", "-n", name, "link", "add", "there", "type", "bridge")
        lo, there = interfaces()
        assert lo == Interface(1, "lo", loopback=True, up=True)
        assert (there.name, there.loopback, there.up) == ("there", False, False)
        with socket.socket() as asked:
            assert loopback_index(asked) == 1
            assert name_of(asked, there.index) == "there"
            assert name_of(asked, 4242) is None
            assert is_up(asked, "lo") is True
            assert is_up(asked, "there") is False
            assert is_up(asked, "gone") is None
        run("ip", "-n", name, "link", "set", "lo", "down")
        assert interfaces()[0] == Interface(1, "lo", loopback=True, up=False)


@pytest.mark.usefixtures("kernel")
def test_loopback_is_known_by_its_kind_not_by_its_name() -> None:
    with namespace() as name, socket.socket() as asked:
        run("ip", "-n", name, "link", "set", "lo", "down")
        run("ip", "-n", name, "link", "set", "lo", "name", "loop")
        assert loopback_index(asked) == 1
        assert interfaces()[0].loopback


@pytest.mark.usefixtures("kernel")
def test_a_socket_is_asked_about_its_own_namespace() -> None:
    with namespace(inside=False) as name:
        run("ip", "-n", name, "link", "add", "synscope-far", "type", "bridge")
        with entered(namespace_of_name(name)):
            asked = socket.socket()
        with asked:
            assert is_up(asked, "synscope-far") is False
        with socket.socket() as ours:
            assert is_up(ours, "synscope-far") is None


# -- namespaces -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("kernel")
def test_entering_is_for_this_thread_and_ends() -> None:
    before = _here()
    go, elsewhere = threading.Event(), []
    other = threading.Thread(target=lambda: (go.wait(10), elsewhere.append(_here())))
    other.start()
    with namespace(inside=False) as name:
        with entered(namespace_of_name(name)):
            assert _here() != before
            go.set()
            other.join()
        assert elsewhere == [before]
        assert _here() == before
        with pytest.raises(KeyError), entered(namespace_of_name(name)):
            raise KeyError
        assert _here() == before


@pytest.mark.parametrize("name", ["", ".", "..", "../net", "a/b", "/etc", "a\0b"])
def test_what_is_no_name_of_a_namespace(name: str) -> None:
    with pytest.raises(NamespaceError, match="no name of a network namespace"):
        namespace_of_name(name)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(NamespaceError, match="ip netns list"):
        namespace_of_name("synscope-none")


def test_the_namespace_of_a_process() -> None:
    path = namespace_of_process(os.getpid())
    assert path.readlink() == HERE.readlink()
    with pytest.raises(NamespaceError, match="no process 4194999"):
        namespace_of_process(4_194_999)


def test_what_cannot_be_entered(tmp_path: Path) -> None:
    with pytest.raises(NamespaceError, match="cannot be opened: No such file"), entered(tmp_path / "none"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(NamespaceError, match="cannot be entered"), entered(tmp_path / "file"):
        pass


# -- containers -------------------------------------------------------------------------------------------


def _engine(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole search path but for the shell's own programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_running_container(engines: Path) -> None:
    _engine(engines, "docker", f'echo "$@" > {engines}/asked; echo {os.getpid()}')
    assert namespace_of_container("--web") == Path(f"/proc/{os.getpid()}/ns/net")
    assert (engines / "asked").read_text().endswith("-- --web\n")


def test_podman_is_asked_when_docker_does_not_know(engines: Path) -> None:
    _engine(engines, "docker", "echo 'Error: no such object' >&2; exit 1")
    _engine(engines, "podman", f"echo {os.getpid()}")
    assert namespace_of_container("web") == Path(f"/proc/{os.getpid()}/ns/net")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("echo 0", "it is not running"),
        ("echo nonsense", "it is not running"),
        ("echo no such container >&2; echo more >&2; exit 1", r"docker says: no such container;"),
        ("exit 7", "exit status 7"),
        ("echo 4194999", "there is no process 4194999"),
    ],
)
def test_what_an_engine_may_say(engines: Path, script: str, text: str) -> None:
    _engine(engines, "docker", script)
    with pytest.raises(NamespaceError, match=text) as caught:
        namespace_of_container("web")
    assert "podman is not installed" in str(caught.value)


def test_no_engine_at_all(engines: Path) -> None:
    assert engines.is_dir()
    with pytest.raises(NamespaceError, match="docker is not installed; podman is not installed"):
        namespace_of_container("web")
    (engines / "docker").touch()
    with pytest.raises(NamespaceError, match="docker may not be run"):
        namespace_of_container("web")


def test_a_name_with_a_nul_byte() -> None:
    with pytest.raises(NamespaceError, match="no name of a container"):
        namespace_of_container("a\0b")


def test_an_engine_that_hangs(engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _engine(engines, "docker", "exec /bin/sleep 60")
    monkeypatch.setattr(module, "_ENGINE_SECONDS", 0.2)
    with pytest.raises(NamespaceError, match="docker did not answer"):
        namespace_of_container("web")


@pytest.mark.usefixtures("kernel")
def test_a_process_in_a_namespace_leads_there() -> None:
    with namespace(inside=False) as name:
        process = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "60"])
        try:
            wanted = namespace_of_name(name).stat().st_ino
            for _ in range(500):
                if namespace_of_process(process.pid).stat().st_ino == wanted:
                    break
            with entered(namespace_of_process(process.pid)):
                assert [one.name for one in interfaces()] == ["lo"]
        finally:
            process.kill()
            process.wait()
