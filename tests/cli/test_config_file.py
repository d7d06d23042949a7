"""Configuration files: found where they are, heard in order, and harmless whoever wrote them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.cli import config_file
from synscope.cli.config_file import read
from synscope.cli.config_values import SETTINGS, VARIABLE, ConfigError, Origin
from synscope.cli.main import run
from synscope.model import Target
from synscope.report.escape import visible

ROOT = Path(__file__).parents[2]
REFUSED = str(ROOT / "fixtures" / "refused.pcap")


class Home:
    """A home directory with a project in it, and what reading from the project gives."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = self.home / "work" / "project"
        self.project.mkdir(parents=True)
        self.user = self.home / ".config" / "synscope" / "synscope.toml"
        self.environ = {"HOME": str(self.home)}

    def write(self, text: str, name: str = "synscope.toml") -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_user(self, text: str) -> None:
        self.user.parent.mkdir(parents=True, exist_ok=True)
        self.user.write_text(text, encoding="utf-8")

    def read(self, named: str | None = None, **environ: str) -> config_file.Config:
        return read(named, environ=self.environ | environ, start=str(self.project))

    def error(self, text: str) -> str:
        path = self.write(text)
        with pytest.raises(ConfigError) as caught:
            self.read()
        line = caught.value.format_message()
        assert "\n" not in line
        assert line.startswith(f"{path}: ")
        return line.removeprefix(f"{path}: ")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def value(config: config_file.Config, key: str) -> object:
    found = config.find(key)
    return None if found is None else found.value


# Where files are found


def test_nothing_is_there(home: Home) -> None:
    config = home.read()
    assert config.files == ()
    assert [origin for origin, _ in config.absent] == [Origin.PROJECT, Origin.USER]


def test_a_file_above_is_found_and_the_nearest_counts(home: Home) -> None:
    home.write('color = "never"', "../synscope.toml")
    assert value(home.read(), "color") == "never"
    home.write('color = "always"')
    assert [file.path for file in home.read().files] == [str(home.project / "synscope.toml")]


def test_pyproject_counts_where_it_has_the_table(home: Home) -> None:
    home.write('color = "never"', "../synscope.toml")
    home.write('[project]\nname = "x"\n', "pyproject.toml")
    assert value(home.read(), "color") == "never"
    home.write('[tool.synscope]\ncolor = "always"\n[tool.synscope.ports]\nweb = 1', "pyproject.toml")
    config = home.read()
    assert value(config, "color") == "always"
    assert config.target("web") == Target("1", 1)
    home.write('color = "auto"')
    assert value(home.read(), "color") == "auto", "synscope.toml comes first in its folder"


def test_a_pyproject_that_speaks_of_the_table_only_in_a_comment_is_passed_over(home: Home) -> None:
    home.write('[tool]\nother = "see tool.synscope"', "pyproject.toml")
    assert home.read().files == ()


def test_a_broken_pyproject_of_others_is_none_of_our_business(home: Home) -> None:
    home.write("[project\n", "pyproject.toml")
    assert home.read().files == ()
    home.write("[tool.synscope\n", "pyproject.toml")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: not TOML: .*line 1, column 15"):
        home.read()


def test_errors_in_pyproject_name_the_key_as_it_stands_there(home: Home) -> None:
    home.write("[tool.synscope]\ncolr = 1", "pyproject.toml")
    with pytest.raises(
        ConfigError, match=r"pyproject\.toml: tool\.synscope\.colr: unknown key; did you mean color\?"
    ):
        home.read()


def test_the_search_ends_at_the_home_directory(home: Home) -> None:
    home.write('color = "never"', "../../../synscope.toml")
    assert home.read().files == ()
    home.write('color = "always"', "../../synscope.toml")
    assert value(home.read(), "color") == "always"


def test_the_users_file_by_xdg(home: Home, tmp_path: Path) -> None:
    home.write_user('color = "never"')
    assert value(home.read(), "color") == "never"
    assert value(home.read(XDG_CONFIG_HOME="relative"), "color") == "never", "relative ones are to be ignored"
    assert home.read(XDG_CONFIG_HOME=str(tmp_path / "elsewhere")).files == ()


def test_the_project_is_heard_before_the_user(home: Home) -> None:
    home.write_user('color = "never"\n[ports]\nweb = 1\nmine = 2\n[run]\nlinger = 2')
    home.write('color = "always"\n[ports]\nweb = 3')
    config = home.read()
    assert value(config, "color") == "always"
    assert value(config, "run.linger") == 2.0
    assert config.target("web") == Target("3", 3)
    assert config.target("mine") == Target("2", 2)
    assert [file.origin for file in config.files] == [Origin.PROJECT, Origin.USER]


def test_a_named_file_is_the_only_one(home: Home, tmp_path: Path) -> None:
    home.write_user('interface = "any"')
    home.write('color = "always"')
    other = tmp_path / "other.toml"
    other.write_text('color = "never"')
    for config in (home.read(str(other)), home.read(SYNSCOPE_CONFIG=str(other))):
        assert value(config, "color") == "never"
        assert value(config, "interface") is None
    assert home.read(str(other), SYNSCOPE_CONFIG="/nowhere").files[0].origin is Origin.NAMED
    assert home.read(SYNSCOPE_CONFIG=os.devnull) == config_file.Config()
    assert read(none=True, environ=home.environ, start=str(home.project)) == config_file.Config()


def test_a_named_file_must_be_there(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: there is no such file"):
        home.read(str(tmp_path / "gone.toml"))
    with pytest.raises(ConfigError, match="not a regular file"):
        home.read(str(tmp_path))
    (tmp_path / "pyproject.toml").write_text("[project]")
    with pytest.raises(ConfigError, match=r"there is no table \[tool\.synscope\]"):
        home.read(str(tmp_path / "pyproject.toml"))
    with pytest.raises(ConfigError, match="not a path"):
        home.read("a\0b")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no named pipes in folders")
def test_pipes_and_devices_are_not_opened(home: Home) -> None:
    os.mkfifo(home.project / "synscope.toml")
    with pytest.raises(ConfigError, match="not a regular file"):
        home.read()
    (home.project / "synscope.toml").unlink()
    (home.project / "synscope.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="not a regular file"):
        home.read()


def test_a_huge_file_is_not_read(home: Home) -> None:
    assert home.error("#" * (config_file.LARGEST + 1)) == "larger than 1,048,576 bytes"


def test_what_may_not_be_read_is_somebody_elses(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.write('color = "always"')

    def refused(name: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(config_file.os, "stat", refused)
    assert home.read().files == ()
    with pytest.raises(ConfigError, match="Permission denied"):
        home.read(str(path))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="sudo's variables are root's to believe"
)
def test_behind_sudo_it_is_the_file_of_who_typed_it() -> None:
    import pwd

    nobody = pwd.getpwnam("nobody")
    assert config_file.home_of_user({"HOME": "/root", "SUDO_UID": str(nobody.pw_uid)}) == nobody.pw_dir
    assert config_file.home_of_user({"HOME": "/root", "SUDO_UID": "x"}) == "/root"
    assert config_file.home_of_user({"HOME": "/root", "SUDO_UID": "4294967290"}) is None


# What is wrong with them


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = [", "not TOML: Invalid value (at line 1, column 6, the end)"),
        ("a = 1\nb = = 2", "not TOML: Invalid value (at line 2, column 5)"),
        ("a = " + "[" * 5000, "not TOML: nested too deeply"),
        ("a = " + "1" * 5000, "not TOML: a number has too many digits"),
        ("colr = 1", "colr: unknown key; did you mean color?"),
        ("[rum]\nlinger = 1", "rum.linger: unknown key; did you mean run.linger?"),
        (
            'format = "json"',
            "format: unknown key; did you mean analyze.format or doctor.format or live.format or run.format?",
        ),
        ("save = 1", "save: unknown key; did you mean save.headers-only?"),
        ("zzz = 1", "zzz: unknown key"),
        ("color = true", "color: a text in quotes is expected, not true or false"),
        ("[color]\na = 1", "color: a text in quotes is expected, not a table"),
        ('[run]\nlinger = "1"', "run.linger: a number is expected, not a text in quotes"),
        ("[run]\nlinger = true", "run.linger: a number is expected, not true or false"),
        ("[run]\nlinger = inf", "run.linger: a number below 10,000,000 is expected"),
        ("[run]\nlinger = nan", "run.linger: a number below 10,000,000 is expected"),
        ("[run]\nlinger = 12:00:00", "run.linger: a number is expected, not a time"),
        ("[save]\nheaders-only = 1", "save.headers-only: true or false is expected, not a number"),
        ('interface = ""', "interface: a text of characters that can be seen is expected"),
        ('interface = "a\\u0000"', "interface: a text of characters that can be seen is expected"),
        ("ports = 1", "ports: a table is expected, not a number"),
        ("[ports]\nweb = -5", "ports.web: '-5' is not a port; ports run from 0 to 65535"),
        (
            "[ports]\nweb = 1.5",
            "ports.web: a port, or HOST:PORT or a URL in quotes, is expected, not a number",
        ),
        ("[ports]\nweb = [1]", "ports.web: a port, or HOST:PORT or a URL in quotes, is expected, not a list"),
        ("[ports]\nweb = 0x" + "f" * 9000, "ports.web: the number is no port; ports run from 0 to 65535"),
        ('[ports]\nweb = "x"', "ports.web: 'x' names no port; write x:PORT, e.g. x:8080"),
        (
            "[ports]\n8080 = 1",
            "ports.8080: a name begins with a letter and has up to 64 letters, digits, '-' and '_'",
        ),
    ],
)
def test_errors_say_where_and_what(home: Home, text: str, error: str) -> None:
    assert home.error(text) == error


def test_bytes_that_are_no_text(home: Home) -> None:
    (home.project / "synscope.toml").write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(ConfigError, match="line 2 is not UTF-8"):
        home.read()


def test_an_error_is_one_line_and_wrong_usage(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.write('"\\u001b[31mred\\nnext" = 1')
    monkeypatch.setenv(VARIABLE, str(path))
    assert run(["analyze", REFUSED, "-q"]) == 2
    assert capsys.readouterr().err == f"synscope: {path}: \\x1b[31mred\\x0anext: unknown key\n"


def test_an_error_can_be_shown_whatever_it_quotes() -> None:
    assert ConfigError("a\x1b", "b\x1b[2J\nc").format_message() == "a\\x1b: b\\x1b[2J\\x0ac"
    assert len(ConfigError("a", "b" * 1000).format_message()) < 400


# What the user means by a name


def test_names_stand_for_what_could_be_typed(home: Home) -> None:
    home.write(
        '[ports]\nweb = 62893\nfar = 619009\ntext = "8080"\nhere = "localhost:5432"\n'
        'page = "https://localhost:8443/"\nsix = "[::1]:99"\nany = "*:98"'
    )
    config = home.read()
    assert config.target("web") == Target("62893", 62893)
    assert config.target("far") == Target("619009", 619009), "explained like a number that was typed"
    assert config.target("text") == Target("8080", 8080)
    assert config.target("here") == Target("localhost:5432", 5432, "localhost")
    assert config.target("page") == Target("https://localhost:8443/", 8443, "localhost", "https")
    assert config.target("six") == Target("[::1]:99", 99, "::1")
    assert config.target("127.0.0.1:here") == Target("127.0.0.1:5432", 5432, "127.0.0.1")
    assert config.target("[::1]:web") == Target("[::1]:62893", 62893, "::1")
    assert config.target("http://localhost:web") == Target(
        "http://localhost:62893", 62893, "localhost", "http"
    )
    assert config.target("Web") is None
    assert config.target("web:1") is None
    assert config.similar("wbe") == ("web",)


# Files that mean harm


@pytest.mark.parametrize(
    "host",
    ["db.example", "10.0.0.1", "128.0.0.1", "127.1", "localhost.example", "[2001:db8::1]", "[::1%eth0]", "0"],
)
def test_a_project_cannot_name_another_machine(home: Home, host: str) -> None:
    text = f'[ports]\ndb = "{host}:5432"'
    assert "is not this machine" in home.error(text) or "is not an IPv6" in home.error(text)
    home.write(f'[ports]\ndb = "https://{host}:5432/"')
    with pytest.raises(ConfigError):
        home.read()


def test_users_and_named_files_may_name_any_machine(home: Home, tmp_path: Path) -> None:
    text = '[ports]\ndb = "db.example:5432"'
    home.write_user(text)
    assert home.read().target("db") == Target("db.example:5432", 5432, "db.example")
    (tmp_path / "own.toml").write_text(text)
    assert home.read(str(tmp_path / "own.toml")).target("db") is not None
    assert home.read(SYNSCOPE_CONFIG=str(tmp_path / "own.toml")).target("db") is not None


def test_a_project_cannot_switch_off_what_protects_the_user(home: Home) -> None:
    home.write_user("[save]\nheaders-only = true")
    home.write("[save]\nheaders-only = false")
    assert value(home.read(), "save.headers-only") is True
    home.write_user("[save]\nheaders-only = false")
    home.write("[save]\nheaders-only = true")
    assert value(home.read(), "save.headers-only") is True


_ALLOWED = {
    "color",
    "interface",
    "analyze.format",
    "analyze.attempts",
    "analyze.fail-on",
    "doctor.format",
    "doctor.fail-on",
    "live.format",
    "live.fail-on",
    "run.format",
    "run.fail-on",
    "run.linger",
    "run.timeout",
    "run.exit-code",
    "run.calls",
    "save.headers-only",
}


def test_the_list_of_settings_is_closed() -> None:
    # A new key needs a thought about files that somebody else wrote: none may run, write, elevate or connect.
    assert set(SETTINGS) == _ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        '[live]\nsave = "x.pcapng"',
        '[save]\nsave = "x.pcapng"',
        "[save]\nforce = true",
        '[run]\ncommand = ["touch", "x"]',
        '[run]\nserver = "touch x"',
        "[run]\nisolated = true",
        '[run]\ncontainer = "x"',
        '[live]\nnetns = "x"',
        'output = "x"',
        '[analyze]\noutput = "x"',
        '[analyze]\nsnapshot = "x"',
        "[doctor]\nprobe = true",
        "[snapshot]\ncommand-lines = true",
        'config = "other.toml"',
        '[live]\ncapture-with = "libpcap"',
    ],
)
def test_what_acts_is_no_setting(home: Home, text: str) -> None:
    assert "unknown key" in home.error(text)


def test_reading_does_nothing_but_read(home: Home) -> None:
    home.write(
        'color = "always"\ninterface = "$(touch x)"\n[ports]\nweb = "http://localhost:1/$(touch x)"\n'
        '[run]\nlinger = 1e3\n[analyze]\nformat = "`touch x`"'
    )
    code = (
        "import json, os, sys\nseen = []\n"
        "def note(event, arguments):\n"
        "    if event == 'open':\n"
        "        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT): seen.append([event, str(arguments[0])])\n"
        "    elif event.split('.')[0] in ('subprocess', 'socket', 'shutil') or event in (\n"
        "        'os.system', 'os.exec', 'os.fork', 'os.forkpty', 'os.posix_spawn', 'os.spawn', 'os.remove',\n"
        "        'os.rename', 'os.mkdir', 'os.chmod', 'os.symlink', 'os.kill'):\n"
        "        seen.append([event, ''])\n"
        "from synscope.cli.config_file import read\nimport tomllib\nsys.addaudithook(note)\n"
        f"read(environ={{'HOME': {str(home.home)!r}}}, start={str(home.project)!r}).target('web')\n"
        "print(json.dumps(seen))"
    )
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert json.loads(done.stdout) == []


def test_the_privileged_helper_reads_none() -> None:
    code = (
        "import sys\nimport synscope.process.helper\n"
        "sys.exit(any(n == 'tomllib' or n.startswith('synscope.cli') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    source = ROOT / "src" / "synscope"
    reading = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"tomllib|SYNSCOPE_CONFIG|config_(file|values)", path.read_text(encoding="utf-8"))
    ]
    assert all(path.startswith("cli/") for path in reading), reading


_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
_VALUES = st.one_of(_TEXT, st.integers(), st.floats(), st.booleans(), st.lists(st.integers(), max_size=2))


def _toml(value: object) -> str:
    if isinstance(value, float):
        return str(value)
    # JSON spells what TOML does not take as it is with \uXXXX, in pairs beyond the first plane.
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    return json.dumps(value)


@given(
    table=st.sampled_from(["", "ports", "run", "save", "x\x1b[2J"]),
    key=_TEXT,
    value=_VALUES,
    known=st.booleans(),
)
def test_whatever_stands_in_it_is_used_or_refused_in_one_line_that_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory, table: str, key: str, value: object, *, known: bool
) -> None:
    path = tmp_path_factory.mktemp("hostile") / "synscope.toml"
    key = {"": "color", "ports": "web", "run": "linger"}.get(table, "headers-only") if known else key
    text = f"[{_toml(table)}]\n" if table else ""
    path.write_text(f"{text}{_toml(key)} = {_toml(value)}\n", encoding="utf-8")
    try:
        config = read(environ={"HOME": "/nonexistent"}, start=str(path.parent))
    except ConfigError as error:
        line = error.format_message()
        assert visible(line) == line
        assert len(line) < 1000
    else:
        assert all(key in SETTINGS for file in config.files for key in file.settings)
        assert all(target.host in (None, "localhost") for target, _ in config.ports().values())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "synscope.toml"
    path.write_bytes(data)
    line = ""
    try:
        read(str(path))
    except ConfigError as error:
        line = error.format_message()
    assert visible(line) == line
