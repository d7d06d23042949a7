"""Which target a command line names, over real command lines."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.command.named_targets import find_targets

NAMED = [
    ("curl http://localhost:62893/", "http://localhost:62893/"),
    ("curl localhost:62893/health", "localhost:62893/health"),
    ("curl localhost:619009", "localhost:619009"),
    ("curl -v http://localhost:619009/x", "http://localhost:619009/x"),
    ("curl localhost", "http://localhost"),
    ("curl -sSfL -XPOST -H 'Host: other:81' -d 'http://data:82' https://[::1]:8443/x", "https://[::1]:8443/x"),
    ("curl -x http://proxy:3128 http://localhost:8080", "http://localhost:8080"),
    ("curl --proxy=http://proxy:3128 --url localhost:8080", "localhost:8080"),
    ("curl --data-binary @- --header 'Referer: http://a:1' 127.0.0.1:9", "127.0.0.1:9"),
    ("curl -uuser:80 -o out:81 localhost:5000", "localhost:5000"),
    ("curl -d'{\"url\":\"http://no:1\"}' localhost:5000", "localhost:5000"),
    ("/usr/bin/curl -m 2 -- localhost:5000", "localhost:5000"),
    ("wget -qO- http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("wget -q -O x:80 --header='Host: a:1' localhost:8000/f", "localhost:8000/f"),
    ("http :3000/api name=value X-Header:12", ":3000/api"),
    ("http POST localhost:3000 a:=1", "localhost:3000"),
    ("http --proxy http:http://p:3128 GET localhost:3000", "localhost:3000"),
    ("https localhost", "https://localhost"),
    ("python3 -m httpie GET :8001/", ":8001/"),
    ("nc localhost 62893", "localhost:62893"),
    ("nc -vz -w 2 -p 4000 ::1 62893", "[::1]:62893"),
    ("nc -x proxy:1080 -X 5 localhost 80", "localhost:80"),
    ("ncat --proxy p:3128 127.0.0.1 8080", "127.0.0.1:8080"),
    ("telnet localhost 25", "localhost:25"),
    ("telnet localhost", "localhost:23"),
    ("ssh -p 2222 me@localhost uptime", "localhost:2222"),
    ("ssh -p2222 -o Port=1 -L 8080:localhost:80 box", "box:2222"),
    ("ssh box", "box:22"),
    ("ssh ssh://me@box:2200", "ssh://***@box:2200"),
    ("scp -P 2022 a.txt me@box:dir/", "box:2022"),
    ("psql -h localhost -p 5433 -U me db", "localhost:5433"),
    ("psql -hlocalhost", "localhost:5432"),
    ("psql --host=127.0.0.1 --port=5555 -c 'select 1'", "127.0.0.1:5555"),
    ("psql postgresql://me:pw@localhost:5433/db", "postgresql://***@localhost:5433/db"),
    ("pg_isready -h localhost", "localhost:5432"),
    ("mysql -h 127.0.0.1 -P 3307 -psecret", "127.0.0.1:3307"),
    ("redis-cli -h 127.0.0.1 -p 6380 get localhost:1", "127.0.0.1:6380"),
    ("redis-cli ping", "127.0.0.1:6379"),
    ("redis-cli -p 63790 ping", "127.0.0.1:63790"),
    ("redis-cli -u redis://localhost:6390/0", "redis://localhost:6390/0"),
    ("mongosh --port 27018", "127.0.0.1:27018"),
    ("mongosh mongodb://localhost/test", "mongodb://localhost/test"),
    ("grpcurl -plaintext -d '{\"a\":1}' localhost:50051 list", "localhost:50051"),
    ("openssl s_client -proxy p:3128 -connect localhost:8443 -servername x", "localhost:8443"),
    ("socat - TCP:localhost:8080,retry=3", "localhost:8080"),
    ("socat - TCP6:[::1]:8080", "[::1]:8080"),
    ("nmap -p 8080 localhost", "localhost:8080"),
    ("wrk -t2 -c10 -H 'Host: a:1' http://localhost:8080/", "http://localhost:8080/"),
    ("timeout -k 1 5 curl localhost:8080", "localhost:8080"),
    ("env http_proxy=http://p:3128 curl localhost:8080", "localhost:8080"),
    ("sudo -u www-data curl localhost:8080", "localhost:8080"),
    ("sh -c 'cd /tmp && curl -s localhost:8080 | jq .'", "localhost:8080"),
    ('bash -lc "echo a:1; nc -z localhost 8080"', "localhost:8080"),
    ("python -c \"import socket; socket.create_connection(('localhost', 62893))\"", "localhost:62893"),
    ("python3.12 -c 'import urllib.request as u; u.urlopen(\"http://localhost:619009/\")'", "http://localhost:619009/"),
    ("node -e \"fetch('http://localhost:3000/x')\"", "http://localhost:3000/x"),
    ("node -e \"require('net').connect(3000, '127.0.0.1')\"", "127.0.0.1:3000"),
    ("node client.js --host localhost --port 3000", "localhost:3000"),
    ("node client.js --url=http://localhost:3000", "http://localhost:3000"),
    ("python client.py localhost:50051", "localhost:50051"),
    ("./client -p 8080", "8080"),
    ("./client --port=619009", "619009"),
    ("./client redis:6379", "redis:6379"),
    ("cargo run -- --port 8080", "8080"),
    ("go test ./... -addr localhost:8080", "localhost:8080"),
    ("java -jar x.jar --server.url=http://localhost:8080", "http://localhost:8080"),
    ("BASE_URL=http://localhost:3000 npm test", "http://localhost:3000"),
    ("make test URL=http://localhost:3000", "http://localhost:3000"),
    ("java -jar app.jar jdbc:postgresql://localhost:5433/db", "postgresql://localhost:5433/db"),
    ("npx wscat -c ws://localhost:8080", "ws://localhost:8080"),
]  # fmt: skip

UNNAMED = [
    "true",
    "./client",
    "npm test",
    "date -d 12:30",
    "./at 12:30",
    "./at 12:30:45",
    "./client ::1",
    "./client fe80::1",
    "./client 8080:80",
    "docker run -p 8080:80 nginx",
    "docker exec c curl http://localhost:80",
    "kubectl port-forward svc/x 8080:80",
    "mkdir -p 2024",
    "cp -p 8080 /tmp",
    "sleep 8080",
    "./lint main.go:45 test_x.py:12:3",
    "./pull python:3 alpine:3.19",
    "nc -l 8080",
    "nc -l -p 8080",
    "nc -U /run/x.sock",
    "nc localhost $PORT",
    "curl --unix-socket /run/docker.sock http://localhost/info",
    "curl file:///etc/hosts",
    "curl",
    "scp ./a:b /tmp/c:d",
    "psql mydb",
    "psql -h /run/postgresql -p 5433",
    "python -m http.server 8000",
    "python script.py",
    "pytest -p no:cacheprovider",
    "uvicorn app:app",
    "./tool -H 'Host: localhost:80' -d 'http://localhost:81' --proxy http://p:3128",
    "env http_proxy=http://p:3128 ./client",
    "sh -c 'echo localhost'",
    "sh -c 'unclosed",
    "git clone git@host:path/repo",
    "redis-cli -s /run/redis.sock -p 6379",
    "./tool 1.2.3:4",
    "ping localhost",
    "",
]


@pytest.mark.parametrize(("line", "target"), NAMED)
def test_named(line: str, target: str) -> None:
    assert [found.target.text for found in find_targets(shlex.split(line))] == [target]


@pytest.mark.parametrize("line", UNNAMED)
def test_unnamed(line: str) -> None:
    words = line.split() if line.count("'") % 2 else shlex.split(line)
    assert find_targets(words) == ()


def test_several_targets_once_each_and_in_order() -> None:
    found = find_targets(["curl", "localhost:2", "http://localhost:1/a", "http://localhost:1/b"])
    assert [(named.target.host, named.target.port) for named in found] == [("localhost", 2), ("localhost", 1)]
    assert len(find_targets(["curl", *(f"localhost:{port}" for port in range(1, 30))])) == 8


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("curl localhost:1", "an argument of curl"),
        ("curl --url localhost:1", "--url of curl"),
        ("psql -h localhost -p 1", "-h and -p of psql"),
        ("redis-cli ping", "the usual address of redis-cli"),
        ("nc localhost 1", "the arguments of nc"),
        ("A=http://localhost:1 x", "the variable A"),
        ("python -c 'u(\"http://localhost:1\")'", "the code given to python"),
    ],
)
def test_says_how(line: str, how: str) -> None:
    assert [found.how for found in find_targets(shlex.split(line))] == [how]


def test_impossible_port_keeps_its_number() -> None:
    assert find_targets(["nc", "localhost", "619009"])[0].target.port == 619009


@given(
    st.lists(
        st.text(max_size=20)
        | st.sampled_from(["curl", "sh", "-c", "env", "nc", "-p", "--", "python", "-m", "A=b"]),
        max_size=8,
    )
)
def test_never_raises(words: list[str]) -> None:
    find_targets(words)
