from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.web import access
from synscope.web.access import Access, Refused

SECRET = "s" * 32
PORT = 43210
HOST = f"127.0.0.1:{PORT}"


def refusal(method: str, path: str, hosts: list[str], port: int = PORT) -> HTTPStatus:
    with pytest.raises(Refused) as caught:
        Access(port, SECRET).admit(method, path, hosts)
    return caught.value.status


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"LOCALHOST:{PORT}"])
def test_who_knows_the_secret_is_let_in(host: str) -> None:
    one = Access(PORT, SECRET)
    assert one.url == f"http://{HOST}/{SECRET}/"
    assert one.admit("GET", f"/{SECRET}/", [host]) == ""
    assert one.admit("GET", f"/{SECRET}/app.js", [host]) == "app.js"


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["127.0.0.1"],
        ["localhost"],
        [f"127.0.0.1:{PORT + 1}"],
        [f"[::1]:{PORT}"],
        [f"rebound.example:{PORT}"],
        [f"localhost.rebound.example:{PORT}"],
        [f"127.0.0.1:{PORT}.rebound.example"],
        [f" {HOST}"],
        [HOST, HOST],
        [HOST, "rebound.example"],
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(hosts: list[str]) -> None:
    assert refusal("GET", f"/{SECRET}/", hosts) == HTTPStatus.FORBIDDEN


def test_the_port_of_http_may_be_left_out() -> None:
    assert Access(80, SECRET).admit("GET", f"/{SECRET}/", ["localhost"]) == ""
    assert refusal("GET", f"/{SECRET}/", ["rebound.example"], port=80) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        f"/{SECRET}",
        f"//{SECRET}/",
        f"/{SECRET[:-1]}/",
        f"/{SECRET}s/",
        f"/{SECRET.upper()}/",
        f"/%73{SECRET[1:]}/",
        f"/x/../{SECRET}/",
        f"{SECRET}/",
        f"http://{HOST}/{SECRET}/",
        "/é\udcff/",
        "/" + "s" * 5000 + "/",
    ],
)
def test_any_other_path_is_not_there(path: str) -> None:
    assert refusal("GET", path, [HOST]) == HTTPStatus.NOT_FOUND


@given(st.text(), st.text())
def test_no_guess_gets_in(path: str, host: str) -> None:
    assert refusal("GET", f"/{path}", [HOST]) == HTTPStatus.NOT_FOUND
    assert refusal("GET", f"/{SECRET}/", [host]) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "DELETE", "get", ""])
def test_only_get_and_only_the_initiated_learn_so(method: str) -> None:
    assert refusal(method, f"/{SECRET}/", [HOST]) == HTTPStatus.METHOD_NOT_ALLOWED
    assert refusal(method, "/guess/", [HOST]) == HTTPStatus.NOT_FOUND


def test_secrets_are_long_and_never_the_same() -> None:
    urls = {Access(PORT).url for _ in range(100)}
    assert len(urls) == 100
    assert all(len(url.split("/")[3]) * 6 >= 128 for url in urls)


def test_they_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(access.hmac, "compare_digest", compare)
    assert refusal("GET", f"/{SECRET}/", [HOST]) == HTTPStatus.NOT_FOUND
    assert compared == [(SECRET.encode(), SECRET.encode())]


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    for word in ("unsafe", "http", "*", "data:", "blob:"):
        assert word not in access.STRICT_POLICY
    assert access.STRICT_POLICY.startswith("default-src 'none';")
