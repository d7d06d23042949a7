"""By whose rules a command reads proxy variables."""

from __future__ import annotations

import pytest

from synscope.command.client_options import proxy_rules_of
from synscope.probes.host.proxy import CLIENTS


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["curl", "-sS", "http://localhost:8080/"], "curl"),
        (["/usr/bin/python3.11", "-c", "import urllib"], "Python"),
        (["env", "http_proxy=http://127.0.0.1:3128", "wget", "-q", "http://localhost/"], "curl"),
        (["sh", "-c", "python3 -m http.server 80 & sleep 1; curl localhost"], "curl"),
        (["timeout", "5", "go", "run", "."], "Go"),
        (["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080"], None),
        (["node", "-e", "fetch('http://localhost:8080')"], None),
        ([], None),
    ],
)
def test_kind(command: list[str], kind: str | None) -> None:
    assert proxy_rules_of(command) == kind
    assert kind is None or kind in CLIENTS
