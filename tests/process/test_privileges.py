"""Who invoked the tool, and what is left of the privileges after they were given up."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys

import pytest

from synscope.process import privileges
from synscope.process.errors import PrivilegeError
from synscope.process.privileges import Identity
from tests.kernel import SOME_USER, SRC, as_user, need_root

DROP = """
import json, os, sys
sys.path.append(sys.argv[1])
from synscope.process import privileges
who = privileges.Identity(*json.loads(sys.argv[2]), 'test')
privileges.drop(who)
left = privileges.status()
regained = []
for call in (lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.chroot('/')):
    try:
        call(); regained.append(1)
    except PermissionError:
        pass
capabilities = left.permitted | left.effective | left.inheritable | left.ambient
print(json.dumps([left.uids, left.gids, left.groups, capabilities, left.bounding, left.no_new_privs, regained]))
"""


def dropped(uid: int, gid: int, groups: list[int]) -> list[object]:
    command = [sys.executable, "-c", DROP, str(SRC), json.dumps([uid, gid, groups])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_nothing_is_left() -> None:
    need_root()
    assert dropped(1234, 1235, [1236, 1237]) == [[1234] * 4, [1235] * 4, [1236, 1237], 0, 0, True, []]
    assert dropped(1234, 1235, []) == [[1234] * 4, [1235] * 4, [], 0, 0, True, []]


def test_an_ordinary_user_gives_up_an_inherited_capability() -> None:
    need_root()
    script = (
        "from synscope.process import privileges as p\nimport json\n"
        "before = p.may_capture()\np.drop(p.invoking())\nleft = p.status()\n"
        "print(before, p.may_capture(), left.ambient, left.permitted, left.no_new_privs, left.uids[0])"
    )
    done = as_user(script, setpriv=("--inh-caps=+net_raw", "--ambient-caps=+net_raw"))
    assert done.stdout.split() == ["True", "False", "0", "0", "True", str(SOME_USER)], done.stderr
    assert as_user(script).stdout.split()[:2] == ["False", "False"]


def test_never_to_root() -> None:
    with pytest.raises(PrivilegeError, match="as root"):
        privileges.drop(Identity(0, 0, (), "test"))


def test_only_with_one_thread() -> None:
    script = (
        "import sys, threading; sys.path.append(sys.argv[1])\n"
        "from synscope.process import privileges as p\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "p.drop(p.Identity(1, 1, (), 'test'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(SRC)], capture_output=True, text=True, check=False
    )
    assert "PrivilegeError: privileges can only be given up while the process has one thread" in done.stderr


def test_an_ordinary_user_cannot_become_another() -> None:
    need_root()
    done = as_user("from synscope.process import privileges as p\np.drop(p.Identity(1, 1, (), 'test'))")
    assert "PrivilegeError: cannot become user 1" in done.stderr


@pytest.mark.parametrize(
    ("left", "what"),
    [
        ({"uids": (1, 1, 0, 1)}, "user ids"),
        ({"gids": (1, 0, 1, 1)}, "group ids"),
        ({"groups": (0,)}, "supplementary"),
        ({"permitted": 1}, "capabilities"),
        ({"ambient": 1}, "capabilities"),
        ({"bounding": 1}, "bounding"),
        ({"no_new_privs": False}, "no_new_privs"),
    ],
)
def test_whatever_is_left_is_found(
    monkeypatch: pytest.MonkeyPatch, left: dict[str, object], what: str
) -> None:
    clean: dict[str, object] = {
        "uids": (1,) * 4, "gids": (1,) * 4, "groups": (), "inheritable": 0, "permitted": 0, "effective": 0,
        "bounding": 0, "ambient": 0, "no_new_privs": True,
    }  # fmt: skip
    identity = Identity(1, 1, (), "test")
    monkeypatch.setattr(privileges, "status", lambda: privileges.Rights(**clean))
    privileges._verify(identity, bounded=True)
    monkeypatch.setattr(privileges, "status", lambda: privileges.Rights(**{**clean, **left}))
    with pytest.raises(PrivilegeError, match=what):
        privileges._verify(identity, bounded=True)


def test_who_invoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nobody = pwd.getpwnam("nobody")
    by_sudo = privileges.invoking({"SUDO_UID": str(nobody.pw_uid), "SUDO_GID": "77"})
    assert (by_sudo.uid, by_sudo.gid, by_sudo.how) == (nobody.pw_uid, 77, "SUDO_UID")
    by_pkexec = privileges.invoking({"PKEXEC_UID": str(nobody.pw_uid)})
    assert (by_pkexec.uid, by_pkexec.gid, by_pkexec.how) == (nobody.pw_uid, nobody.pw_gid, "PKEXEC_UID")
    unnamed = privileges.invoking({"SUDO_UID": str(SOME_USER)})
    assert (unnamed.uid, unnamed.gid, unnamed.groups) == (SOME_USER, 65534, (65534,))
    for odd in ("0", "", "-1", "x", "４２", str(2**32), " 1"):
        assert privileges.invoking({"SUDO_UID": odd}).uid == 0
    assert privileges.invoking({}).how == "root itself"


def test_an_ordinary_users_variables_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert privileges.invoking({"SUDO_UID": "5"}).uid == os.getuid()


def test_nobody_parses_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    user = Identity(5, 6, (7,), "test")
    assert privileges.parsing_identity(user) is user
    assert privileges.parsing_identity(Identity(0, 0, (), "test")).uid == pwd.getpwnam("nobody").pw_uid
    monkeypatch.setattr(pwd, "getpwnam", lambda _: {}["nobody"])
    assert privileges.nobody().uid == 65534
