"""A command that is told of a proxy in its own words."""

from __future__ import annotations

import pytest

from synscope.evidence.command.observe import observe_command
from synscope.model import Answer, Observation, Target

TARGET = Target("http://127.0.0.1:8095", 8095, "127.0.0.1", "http")


def told(*command: str) -> Observation:
    seen = observe_command(command, TARGET, lines=(), status=1, exit_status=1)
    return next(said for said in seen if said.name == "command-names-proxy")


@pytest.mark.parametrize(
    "text",
    [
        "curl -x 10.77.0.2:8888 http://127.0.0.1:8095/",
        "curl -x10.77.0.2:8888 http://127.0.0.1:8095/",
        "curl --socks5-hostname 10.77.0.2:1080 http://127.0.0.1:8095/",
        "git -c http.proxy=http://10.77.0.2:8888 ls-remote http://127.0.0.1:8095/me/app.git",
        "java -Dhttp.proxyHost=10.77.0.2 -Dhttp.proxyPort=8888 Get",
        "wget -e http_proxy=10.77.0.2:8888 http://127.0.0.1:8095/",
        "chromium --headless --proxy-server=10.77.0.2:8888 http://127.0.0.1:8095/",
        "cd app && ALL_PROXY=10.77.0.2:8888 python3 get.py",
    ],
)
def test_a_proxy_in_the_words(text: str) -> None:
    assert told(*text.split()).answer is Answer.YES
    seen = told("sh", "-c", text)
    assert seen.answer is Answer.YES
    assert "10.77.0.2" in seen.text


@pytest.mark.parametrize(
    "text",
    [
        "curl --noproxy '*' http://127.0.0.1:8095/",
        "curl --proxy '' http://127.0.0.1:8095/",
        "curl -X POST http://127.0.0.1:8095/",
        "https_proxy=10.77.0.2:8888 no_proxy=a curl http://127.0.0.1:8095/",
        "nginx -c proxy.conf",
    ],
)
def test_no_proxy_in_the_words(text: str) -> None:
    assert told("sh", "-c", text).answer is Answer.NO


def test_the_password_of_a_proxy_is_not_told() -> None:
    assert "secret" not in told("curl", "--proxy", "http://me:secret@10.77.0.2:8888", "http://h/").text
