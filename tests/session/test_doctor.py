"""What the results of our own connects say, and the whole examination against this machine's kernel."""

from __future__ import annotations

import contextlib
import errno
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from synscope.model import Answer, Endpoint, Label, Outcome, Source, TargetSummary
from synscope.session import doctor
from synscope.session.connects import Connect, Greeting, Resolved
from synscope.session.doctor import (
    DoctorPlan,
    groups_of,
    observe_connects,
    observe_our_close,
    observe_without_packets,
)
from synscope.targets import parse
from tests.kernel import SOME_USER, need, server
from tests.live import program
from tests.live.program import Done, Report

PORT = 8000
HERE = Endpoint("127.0.0.1", PORT)
THERE = Endpoint("::1", PORT)
SECOND = 1_000_000_000


def met(code: int, server: Endpoint = HERE, began_ns: int = SECOND, **more: object) -> Connect:
    return Connect(server, began_ns, 50_000, code, **more)  # type: ignore[arg-type]


def answers(*made: Connect, found: Resolved | None = None) -> dict[str, Answer]:
    return {one.name: one.answer for one in observe_connects(parse(str(PORT)), made, found)}


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.ECONNREFUSED, "client-error-refused"),
        (errno.EHOSTUNREACH, "client-error-unreachable"),
        (errno.ENETUNREACH, "client-error-unreachable"),
    ],
)
def test_words_of_a_client(code: int, word: str) -> None:
    found = answers(met(0, THERE), met(code))
    assert {name for name, answer in found.items() if answer is Answer.YES} == {word}
    assert set(found.values()) == {Answer.YES, Answer.UNKNOWN}


def test_no_error_is_no_word() -> None:
    assert set(answers(met(0)).values()) == {Answer.UNKNOWN}


def test_a_name_without_address() -> None:
    found = answers(found=Resolved("nowhere", (), "Name or service not known", "EAI_NONAME"))
    assert found["client-error-name"] is Answer.YES


@pytest.mark.parametrize(
    ("one", "label", "outcome"),
    [
        (met(0), Label.COMPLETED, Outcome.STILL_OPEN),
        (met(0, was_reset=True), Label.COMPLETED, Outcome.RESET_BY_SERVER_EARLY),
        (met(errno.ECONNREFUSED), Label.SYN_RST, Outcome.REFUSED),
        (met(errno.ETIMEDOUT), Label.SYN_NO_REPLY, Outcome.UNANSWERED),
        (met(errno.EHOSTUNREACH), Label.SYN_NO_REPLY, Outcome.ICMP_ERROR),
    ],
)
def test_a_connect_as_an_attempt(one: Connect, label: Label, outcome: Outcome) -> None:
    (group,) = groups_of([one])
    assert (group.server, group.label, group.outcome, group.count) == (HERE, label, outcome, 1)
    assert group.examples == ()


@pytest.mark.parametrize("code", [errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EPERM, errno.EMFILE])
def test_what_fails_before_the_syn_is_no_attempt(code: int) -> None:
    assert groups_of([met(code)]) == ()


def test_a_dead_loopback_carries_no_syn() -> None:
    assert groups_of([met(errno.ETIMEDOUT)], loopback_down=True) == ()
    assert groups_of([met(errno.ETIMEDOUT, Endpoint("192.0.2.1", 1))], loopback_down=True) != ()


def test_only_a_later_success_makes_good() -> None:
    first, second = groups_of([met(errno.ECONNREFUSED, THERE), met(0, began_ns=SECOND + 1000)])
    assert (first.recovered, second.recovered) == (True, False)
    _, refused = groups_of([met(0, THERE), met(errno.ECONNREFUSED, began_ns=SECOND + 1000)])
    assert not refused.recovered


def test_without_packets_nothing_is_known_that_a_connect_does_not_show() -> None:
    made = [met(errno.ECONNREFUSED)]
    summary = TargetSummary(parse(str(PORT)), Label.SYN_RST, {Label.SYN_RST: 1}, groups_of(made))
    seen = {one.name: one for one in observe_without_packets(summary, made)}
    assert seen["refused-by-rst"].answer is Answer.YES
    assert seen["refused-by-rst"].source is Source.HOST
    assert "ICMP" in seen["refused-by-rst"].text
    assert seen["no-syn-to-target"].answer is Answer.NO
    assert seen["loopback-traffic"].answer is Answer.YES
    for name in ("rst-looks-like-kernel", "refused-by-icmp", "server-silent", "dns-query-for-localhost"):
        assert (seen[name].answer, seen[name].text) == (Answer.UNKNOWN, "nothing was captured"), name
    assert all(not one.frames for one in seen.values())


def test_what_our_own_close_provokes_says_nothing() -> None:
    groups = groups_of([met(0)])
    summary = TargetSummary(parse(str(PORT)), Label.COMPLETED, {Label.COMPLETED: 1}, groups)
    taken_back = {one.name: one.answer for one in observe_our_close(summary, [met(0)])}
    assert taken_back["late-answer"] is Answer.UNKNOWN
    assert "reset-before-answer" not in taken_back
    # Another client was there as well: what it met counts.
    assert not list(observe_our_close(summary, [met(errno.ECONNREFUSED)]))


@pytest.mark.parametrize(
    ("target", "probe", "expected"),
    [
        ("8000", False, Greeting.NONE),
        ("https://localhost:1/", False, Greeting.NONE),
        ("8000", True, Greeting.HTTP),
        ("localhost:8000", True, Greeting.HTTP),
        ("http://localhost/", True, Greeting.HTTP),
        ("wss://localhost/", True, Greeting.TLS),
        ("https://localhost/", True, Greeting.TLS),
        ("redis://localhost/", True, Greeting.NONE),
    ],
)
def test_greeting(target: str, probe: bool, expected: Greeting) -> None:  # noqa: FBT001
    assert doctor.greeting(DoctorPlan(parse(target), probe)) is expected


@pytest.mark.parametrize("text", ["619009", "0", "localhost:65536"])
def test_a_number_that_is_no_port_is_connected_to_nowhere(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, never)
    monkeypatch.setattr(doctor, "start_session", never)
    said: list[str] = []
    diagnosis = doctor.examine(DoctorPlan(parse(text), probe=True), said.append)
    assert "connecting to nothing" in said[0]
    (one,) = diagnosis.targets
    assert (one.summary.label, one.summary.groups) == (Label.CLIENT_NEVER_SENT, ())
    assert one.findings[0].slug == "port-out-of-range"


# -- against the kernel, in namespaces of their own ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Examined:
    done: Done
    report: Report

    @property
    def notes(self) -> str:
        return "\n".join(self.report.health["notes"])

    @property
    def failures(self) -> list[str]:
        return [
            finding["slug"]
            for finding in self.report.findings
            if finding["kind"] == "failure" and finding["confidence"] != "ruled-out"
        ]


BOTH_FAMILIES = "127.0.0.1 localhost\n::1 localhost\n"
AS_SOMEBODY = {"user": SOME_USER, "group": SOME_USER, "extra_groups": (), "cwd": "/"}


def examine(
    *typed: str, hosts: Path | None = None, variables: dict[str, str] | None = None, **options: object
) -> Examined:
    command = program.arguments("doctor", *typed, "--format", "json")
    if hosts is not None:
        command = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts; exec "$@"', "-", *command]
    with program.started(
        command, program.environment(**variables or {}), stdin=subprocess.DEVNULL, **options
    ) as process:
        done = program.finish(process)
    assert done.out, done.err
    return Examined(done, program.of_document(done.out))


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """A hosts file in which localhost has both addresses."""
    path = tmp_path / "hosts"
    path.write_text(BOTH_FAMILIES, encoding="ascii")
    return path


def assert_captured(examined: Examined) -> None:
    program.assert_whole(examined.report)


@pytest.mark.usefixtures("private_network")
def test_nothing_listens() -> None:
    examined = examine("127.0.0.1:62893")
    assert_captured(examined)
    assert examined.done.status == 1
    assert (examined.report.label, examined.report.best) == ("SYN-RST", "service-not-running")
    assert examined.report.findings[0]["confidence"] == "certain"
    assert "connecting to 127.0.0.1:62893: TCP handshake only, then close" in examined.done.err
    assert "synscope's own connect to 127.0.0.1:62893: ECONNREFUSED" in examined.notes


@pytest.mark.usefixtures("private_network")
def test_it_works() -> None:
    with server() as one:
        examined = examine(f"127.0.0.1:{one.port}")
    assert_captured(examined)
    assert (examined.done.status, examined.report.label, examined.failures) == (0, "completed", [])


@pytest.mark.usefixtures("private_network")
def test_it_works_at_the_second_address(hosts: Path) -> None:
    with server("127.0.0.1") as one:
        examined = examine(str(one.port), hosts=hosts)
    assert (examined.done.status, examined.failures) == (0, [])
    assert [finding["slug"] for finding in examined.report.findings][:1] == ["one-address-refused"]


@pytest.mark.usefixtures("private_network")
def test_another_loopback_address() -> None:
    with server("127.0.0.2") as one:
        examined = examine(f"127.0.0.1:{one.port}")
    assert (examined.done.status, examined.report.best) == (1, "wrong-bind-address")


@pytest.mark.usefixtures("private_network")
def test_ipv6_only(hosts: Path) -> None:
    with server("::1") as one:
        examined = examine(str(one.port), hosts=hosts)
        named = examine(f"[::1]:{one.port}")
    assert (examined.done.status, examined.report.best) == (1, "address-family-mismatch")
    assert f"connecting to [::1]:{one.port}, 127.0.0.1:{one.port}:" in examined.done.err
    assert (named.done.status, named.report.label) == (0, "completed")


@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize(
    ("verdict", "label", "best"),
    [("drop", "SYN-no-reply", "firewall-drop"), ("reject with tcp reset", "SYN-RST", "firewall-reject")],
)
def test_firewall(verdict: str, label: str, best: str) -> None:
    need(None if shutil.which("nft") else "nft")
    with server() as one:
        rule = f"tcp dport {one.port} {verdict}"
        rules = f"table inet t {{\n chain c {{\n type filter hook input priority 0\n {rule}\n }}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, timeout=20)
        examined = examine(f"127.0.0.1:{one.port}")
    assert_captured(examined)
    assert (examined.done.status, examined.report.label, examined.report.best) == (1, label, best)


@pytest.mark.usefixtures("private_network")
def test_no_port() -> None:
    examined = examine("619009")
    assert (examined.done.status, examined.report.best) == (1, "port-out-of-range")
    assert "connecting to nothing" in examined.done.err
    assert examined.report.attempts == []


@pytest.mark.usefixtures("private_network")
def test_an_ordinary_user() -> None:
    variables = {"PATH": "/nowhere"}  # where there is no sudo
    refused = examine("127.0.0.1:62893", variables=variables, **AS_SOMEBODY)
    with server() as one:
        works = examine(f"127.0.0.1:{one.port}", variables=variables, **AS_SOMEBODY)
    assert (refused.done.status, refused.report.label) == (1, "SYN-RST")
    assert refused.report.best == "service-not-running"
    # Whether a rule or the stack refused cannot be told without rights.
    assert refused.report.findings[0]["confidence"] != "certain"
    assert "nothing was captured" in refused.notes
    assert "sudo synscope doctor 127.0.0.1:62893" in refused.notes
    assert refused.report.health["frames"] == 0
    assert (works.done.status, works.report.label, works.failures) == (0, "completed", [])


class _Quiet(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def http_server(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as serving:
        serving.daemon_threads = True
        serving.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context is not None:
            serving.socket = context.wrap_socket(
                serving.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
        thread.start()
        yield serving.server_port
        serving.shutdown()
        thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody trusts, and a server's context with it."""
    need(None if shutil.which("openssl") else "openssl")
    made, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    command = ["openssl", *words.split(), "-out", str(made), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return made, context


@pytest.mark.usefixtures("private_network")
def test_probe_http() -> None:
    with http_server() as port:
        examined = examine(f"http://127.0.0.1:{port}/", "--probe")
    assert (examined.done.status, examined.failures) == (0, [])
    assert "TCP handshake, then HTTP HEAD /" in examined.done.err
    assert "answer to HEAD /: HTTP/1.0 200 OK" in examined.notes


@pytest.mark.usefixtures("private_network")
def test_probe_https(certificate: tuple[Path, ssl.SSLContext], hosts: Path) -> None:
    trusted, context = certificate
    with http_server(context) as port:
        url = f"https://localhost:{port}/"
        strange = examine(url, "--probe", hosts=hosts)
        known = examine(url, "--probe", hosts=hosts, variables={"SSL_CERT_FILE": str(trusted)})
        plain = examine(url, hosts=hosts)
    assert (strange.done.status, strange.report.best) == (1, "tls-certificate")
    assert "the certificate is not accepted: self-signed certificate" in strange.notes.replace(
        "self signed", "self-signed"
    )
    assert (known.done.status, known.failures) == (0, [])
    assert "with a certificate that this machine trusts" in known.notes
    assert (plain.done.status, plain.failures) == (0, [])
    assert "TLS" not in plain.notes


@pytest.mark.usefixtures("private_network")
def test_probe_tls_where_http_is() -> None:
    with http_server() as port:
        examined = examine(f"https://127.0.0.1:{port}/", "--probe")
    assert (examined.done.status, examined.report.best) == (1, "protocol-mismatch")
