"""Outputs of ``docker ps`` and ``podman ps`` (forms of docker-ps(1)), and command lines of forwarders."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from synscope.probes.host import forwards
from synscope.probes.host.snapshot import Forward
from tests.kernel import need_root


@pytest.mark.parametrize(
    ("ports", "found"),
    [
        ("0.0.0.0:8080->80/tcp", [("0.0.0.0", 8080, "container web, port 80")]),
        (":::8080->80/tcp", [("::", 8080, "container web, port 80")]),
        ("[::]:8080->80/tcp", [("::", 8080, "container web, port 80")]),
        ("127.0.0.1:8080->80/tcp, 443/tcp", [("127.0.0.1", 8080, "container web, port 80")]),
        (
            "0.0.0.0:7000-7001->6000-6001/tcp",
            [("0.0.0.0", 7000, "container web, port 6000"), ("0.0.0.0", 7001, "container web, port 6001")],
        ),
        ("0.0.0.0:53->53/udp", []),
        ("", []),
    ],
)
def test_published_ports(ports: str, found: list[tuple[str, int, str]]) -> None:
    line = json.dumps({"Names": "web", "Ports": ports, "ID": "abc"})
    assert forwards.published("docker", line) == tuple(
        Forward("docker", *one, into_container=True) for one in found
    )


@pytest.mark.parametrize("output", ["", "no JSON", "[]", '{"Ports": 5}', '{"Ports": "1-99999999->1/tcp"}'])
def test_other_output_yields_a_bounded_answer(output: str) -> None:
    assert len(forwards.published("docker", output)) <= 65_536


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("ssh -N -L 8080:db:5432 host", ("127.0.0.1", 8080, "db:5432")),
        ("ssh -NL 8080:db:5432 host", ("127.0.0.1", 8080, "db:5432")),
        ("ssh -L0.0.0.0:8080:db:5432 host", ("0.0.0.0", 8080, "db:5432")),
        ("ssh -L *:8080:db:5432 host", ("0.0.0.0", 8080, "db:5432")),
        ("ssh -L [::1]:8080:[fe80::2]:5432 host", ("::1", 8080, "[fe80::2]:5432")),
        ("ssh -D 8080 host", ("127.0.0.1", 8080, "SOCKS")),
        ("ssh -L /tmp/a:/tmp/b host", None),
        ("ssh host -p 8080", None),
        ("socat TCP-LISTEN:8080,fork,reuseaddr TCP:10.0.0.2:80", ("0.0.0.0", 8080, "TCP:10.0.0.2:80")),
        ("socat -d tcp4-l:8080,bind=127.0.0.1 UNIX-CONNECT:/x", ("127.0.0.1", 8080, "UNIX-CONNECT:/x")),
        ("kubectl port-forward svc/web 8080:80", ("127.0.0.1", 8080, "svc/web, port 80")),
        ("kubectl -n x port-forward --address 0.0.0.0 pod/web 8080", ("0.0.0.0", 8080, "pod/web, port 8080")),
        ("kubectl get pods", None),
        (
            "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80",
            ("0.0.0.0", 8080, "172.17.0.2:80"),
        ),
        ("docker-proxy -proto udp -host-ip 0.0.0.0 -host-port 8080", None),
    ],
)
def test_command_lines(command: str, found: tuple[str, int, str] | None) -> None:
    words = command.split()
    assert next(forwards.of_command(words), None) == (found and (words[0], *found))


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/usr/bin/python3 /opt/docker-proxy -proto tcp", "docker-proxy"),
        ("node ./my-forwarder --proto=tcp", "my-forwarder"),
        ("/usr/libexec/portmapper", "portmapper"),
    ],
)
def test_whoever_takes_its_options_does_the_work_of_docker_proxy(command: str, program: str) -> None:
    options = "-host-ip 127.0.0.1 -host-port 8080 --container-ip=172.17.0.2 --container-port=80"
    found = forwards.of_command([*command.split(), *options.split()])
    assert list(found) == [(program, "127.0.0.1", 8080, "172.17.0.2:80")]


@pytest.mark.parametrize("command", ["", "python3", "python3 -c pass", "docker-proxy", "app -host-port 8080"])
def test_other_commands_forward_nothing(command: str) -> None:
    assert list(forwards.of_command(command.split())) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_forwarder_that_runs_is_found_in_this_network(*, elsewhere: bool) -> None:
    port = 45_454 + elsewhere
    # Only its command line and its network namespace matter: a Python that calls itself socat.
    if elsewhere:
        need_root()
    script = "import sys; print(flush=True); sys.stdin.read()"
    named = ["bash", "-c", 'exec -a socat "$0" "$@"', sys.executable, "-c", script]
    process = subprocess.Popen(
        [*(["unshare", "--net"] if elsewhere else []), *named, f"TCP-LISTEN:{port},fork", "TCP:10.0.0.2:80"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        found = forwards.look((port,), time.monotonic() + 20).found
    finally:
        process.communicate()
    assert found == (
        () if elsewhere else (Forward("socat", "0.0.0.0", port, "TCP:10.0.0.2:80", process.pid),)
    )
