"""Which hosts a command uses for a port, over real command lines."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.command.hosts import hosts_of


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("curl http://localhost:5432/", ["localhost"]),
        ("curl -H 'Host: app:5432' http://127.0.0.1:5432", ["127.0.0.1"]),
        ("curl http://[::1]:5432", ["::1"]),
        ("timeout 9 redis-cli -h redis-cache -p 5432 ping", ["redis-cache"]),
        ("psql postgres://me:pw@db/x", ["db"]),
        ("psql 'host=db port=5432 dbname=x'", ["db"]),
        ("python3 -c \"urlopen('http://localhost:5432/', timeout=5)\"", ["localhost"]),
        ("python3 -c \"socket.create_connection(('db', 5432), 3)\"", ["db"]),
        ("python3 -c \"psycopg2.connect(host='db', port=5432)\"", ["db"]),
        ("node -e \"net.connect({host: 'db', port: 5432})\"", ["db"]),
        ("node -e \"net.connect({port:5432, host:'db'})\"", []),
        ("bash -c 'cd /x; curl http://a:5432; exec 3<>/dev/tcp/b/5432'", ["a"]),
        ("bash -c 'exec 3<>/dev/tcp/b/5432'", ["b"]),
        ("java -Durl=jdbc:postgresql://db:5432/app -jar x.jar", ["db"]),
        ("./app -DB=db:5432,db2:5432", ["db", "db2"]),
        ("DATABASE_URL=postgres://db:5432/x npm start", ["db"]),
        ("DB=db:5432 curl http://localhost:8080", ["db"]),
        ("./x a1:5432 a2:5432 a3:5432 a4:5432 a5:5432", ["a1", "a2", "a3", "a4"]),
        ("python3 sandbox.py 42 nc -w1 127.0.0.1 5432", ["127.0.0.1"]),
        ("./wait-for localhost 5432", ["localhost"]),
        # nothing is told
        ("./app --workers 5432 many 5432", []),
        ("npm test", []),
        ("./app --port 5432", []),
        ("curl http://localhost:8080/", []),
        ("curl http://localhost:54321/", []),
        ("curl http://$HOST:5432/", []),
        ("curl http://${HOST}:5432/", []),
        ("vim main.go:5432", []),
        ("./x 12:34:5432 5432:5432", []),
        # another network's names
        ("docker exec app curl http://db:5432", []),
        ("sh -c 'sudo ip netns exec x curl http://db:5432'", []),
        ("ssh box curl http://db:5432", []),
        ("/usr/bin/kubectl exec app -- curl http://db:5432", []),
    ],
)
def test_hosts(line: str, hosts: list[str]) -> None:
    assert list(hosts_of(shlex.split(line), 5432)) == hosts


def test_the_usual_port_of_a_scheme() -> None:
    assert hosts_of(["curl", "http://app.test/x"], 80) == ("app.test",)
    assert hosts_of(["./x", "--base", "see https://app.test/x"], 443) == ("app.test",)


@given(st.lists(st.text()), st.integers(0, 70_000))
def test_any_words_can_be_searched(words: list[str], port: int) -> None:
    assert all(hosts_of(words, port))


def test_long_words_are_searched_in_time() -> None:
    for piece in ("a.", "host=", "a:", "[:", "localhost:5432 "):
        assert len(hosts_of(["./x", piece * 200_000], 5432)) <= 1
