# ruff: noqa: E501 - programs of other languages on one line
"""Scenarios with programs that people run: nginx, redis, node, php, socat, haproxy, sshd; git, wget, ssh, java.

The servers are started by shell lines; what each started is ended by its process group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tests.scenarios.scenario import Scenario

AFTER = ("for p in $(cat $TRY/pids 2>/dev/null); do kill -9 -- -$p 2>/dev/null; done; true",)
PY = "/usr/bin/python3"


def put(name: str, text: str) -> str:
    """Return the line that writes a file into the directory."""
    return f"cat > $TRY/{name} <<'EOF_PUT'\n{text.strip()}\nEOF_PUT\nchmod 755 $TRY/{name}"


def bg(cmd: str, port: int | None = None, *, cond: str = "") -> str:
    """Return the line that starts a program and waits until it listens."""
    test = cond or (f"ss -ltnH 'sport = :{port}' | grep -q ." if port is not None else "true")
    return (
        f"cd $TRY; (setsid {cmd} </dev/null >>$TRY/log 2>&1 & echo $! >>$TRY/pids); "
        f"for i in $(seq 160); do {test} && exit 0; sleep .05; done; cat $TRY/log >&2; exit 1"
    )


def nginx(servers: str, port: int, extra: str = "", http: str = "") -> tuple[str, ...]:
    """Return the lines that start an nginx."""
    conf = f"""
daemon off; error_log stderr; pid nginx.pid; {extra}
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
scgi_temp_path t5; {http}
{servers}
}}
"""
    return (put("nginx.conf", conf), bg("nginx -e stderr -p $TRY/ -c nginx.conf", port))


def node(name: str, text: str, port: int) -> tuple[str, ...]:
    """Return the lines that start a program for node."""
    return (put(name, text), bg(f"node $TRY/{name}", port))


def py(name: str, text: str, port: int | None) -> tuple[str, ...]:
    """Return the lines that start a program for Python."""
    return (put(name, text), bg(f"{PY} $TRY/{name}", port))


CERT = (
    "cd $TRY; openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=localhost"
    " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null; cat k.pem c.pem > both.pem; chmod 644 *.pem"
)
EXPIRED = (
    "cd $TRY; openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 1 -subj /CN=localhost"
    " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null;"
    " openssl req -new -key k.pem -subj /CN=localhost -out r.csr;"
    " mkdir -p ca; : > ca/index; echo 01 > ca/serial;"
    " printf '[ca]\\ndefault_ca=d\\n[d]\\ndir=ca\\ndatabase=ca/index\\nserial=ca/serial\\nnew_certs_dir=ca\\n"
    "default_md=sha256\\npolicy=p\\ncopy_extensions=copy\\n[p]\\ncommonName=supplied\\n' > ca.cnf;"
    " openssl req -x509 -newkey rsa:2048 -nodes -keyout cak.pem -out cac.pem -days 999 -subj /CN=ca 2>/dev/null;"
    " openssl ca -batch -config ca.cnf -keyfile cak.pem -cert cac.pem -in r.csr -out c.pem"
    " -startdate 20200101000000Z -enddate 20200201000000Z -notext 2>/dev/null; cat k.pem c.pem > both.pem"
)
OTHERNAME = (
    "cd $TRY; openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=example.org"
    " -addext subjectAltName=DNS:example.org 2>/dev/null; cat k.pem c.pem > both.pem"
)
ETH9 = (
    "ip link add eth9 type veth peer name eth8; ip link set eth8 up; ip addr add 10.9.8.7/24 dev eth9;"
    " ip link set eth9 up"
)

RST, NOREPLY, DONE, NEVER = "SYN-RST", "SYN-no-reply", "completed", "client-never-sent"
NR = "service-not-running"
H = f"{PY} -m http.server"
_PROGRAMS: Final = (
    "nginx", "redis-server", "redis-cli", "node", "php", "socat", "haproxy", "java", "git", "wget", "nc", "ncat",
    "ssh", "setpriv", "iptables-legacy", "iperf3", "slapd", "ldapwhoami",
)  # fmt: skip


_QUICK: Final = frozenset(
    {
        "landlock denies connect",
        "seccomp denies connect, and nobody says so",
        "answers dropped once established",
        "body cut short",
        "nginx 502, dead upstream",
        "another program's port is taken",
        "a server under another number, gone by the end",
        "a proxy in .curlrc, on a port of its own",
        "the command's localhost does not resolve",
        "works: curl -kv of a self-signed server",
    }
)
"""Those that are among the tests: of programs that every machine has."""


def _one(name: str, cause: str, label: str, client: str, target: str, **more: object) -> Scenario:
    made = Scenario(name, cause, label, client, target, **more)  # type: ignore[arg-type]
    text = " ".join((made.client, *made.setup)).replace("/", " ").split()
    needs = tuple(program for program in _PROGRAMS if any(word.strip("\"'();") == program for word in text))
    return replace(made, after=(*made.after, *AFTER), needs=needs, long=name not in _QUICK)


def _works(name: str, client: str, target: str, **more: object) -> Scenario:
    return _one(f"works: {name}", "", DONE, client, target, **more)


JGET = """
import java.net.*; import java.net.http.*;
public class G { public static void main(String[] a) throws Exception {
  System.out.println(HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(a[0])).build(), HttpResponse.BodyHandlers.ofString()).statusCode()); } }
"""

SECCOMP = r"""
import ctypes, os, struct, sys
nr, err = int(sys.argv[1]), int(sys.argv[2])
f = [(0x20,0,0,0),(0x15,0,1,nr),(6,0,0,0x50000|err),(6,0,0,0x7fff0000)]
buf = ctypes.create_string_buffer(b"".join(struct.pack("HBBI",*x) for x in f))
class P(ctypes.Structure): _fields_=[("len",ctypes.c_ushort),("f",ctypes.c_void_p)]
l = ctypes.CDLL(None, use_errno=True)
l.prctl(38,1,0,0,0)
assert l.prctl(22,2,ctypes.byref(P(4,ctypes.addressof(buf))),0,0)==0
os.execvp(sys.argv[3], sys.argv[3:])
"""

LANDLOCK = r"""
import ctypes, os, struct, sys
l = ctypes.CDLL(None, use_errno=True)
bits, allowed = int(sys.argv[1]), int(sys.argv[2])
attr = struct.pack("QQ", 0, bits)
fd = l.syscall(444, ctypes.create_string_buffer(attr), 16, 0)
rule = struct.pack("QQ", bits, allowed)
assert l.syscall(445, fd, 2, ctypes.create_string_buffer(rule), 0) == 0
l.prctl(38,1,0,0,0)
assert l.syscall(446, fd, 0) == 0
os.execvp(sys.argv[3], sys.argv[3:])
"""


def nft(
    rules: Sequence[str], hook: str = "input", prio: str = "0", pol: str = "accept", fam: str = "inet"
) -> str:
    """Return the line that makes one chain."""
    return (
        f"nft 'add table {fam} z; add chain {fam} z c {{ type filter hook {hook} priority {prio}; policy {pol}; }};"
        + "".join(f" add rule {fam} z c {r};" for r in rules)
        + "'"
    )


SSHD = (
    "cd $TRY; ssh-keygen -q -t ed25519 -N '' -f hk; ssh-keygen -q -t ed25519 -N '' -f uk; mkdir -p /run/sshd; cp uk.pub ak; chmod 600 ak",
)


def sshd(port: int) -> tuple[str, ...]:
    """Return the lines that start an sshd that lets root in by key."""
    return (
        *SSHD,
        bg(
            f"/usr/sbin/sshd -D -e -o HostKey=$TRY/hk -o PidFile=none -o AuthorizedKeysFile=$TRY/ak -o StrictModes=no -o ListenAddress=127.0.0.1:{port} -o PermitRootLogin=yes -f /dev/null",
            port,
        ),
    )


def sshl(port: int, to: int, via: int) -> str:
    """Return the line that forwards a port through it."""
    return bg(
        f"ssh -N -i $TRY/uk -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p {via} -L 127.0.0.1:{port}:127.0.0.1:{to} root@127.0.0.1",
        port,
    )


def answering_nginx(p: int) -> tuple[str, ...]:
    """Return the lines that start an nginx that answers."""
    return nginx(
        f"server {{ listen 127.0.0.1:{p}; location = /304 {{ return 304; }} location = /204 {{ return 204; }} location = /r {{ return 302 http://127.0.0.1:{p}/; }} location / {{ return 200 ok; }} }}",
        p,
    )


def tls_nginx(p: int) -> tuple[str, ...]:
    """Return the lines that start an nginx with its own certificate."""
    return (
        CERT,
        *nginx(
            f"server {{ listen 127.0.0.1:{p} ssl; ssl_certificate c.pem; ssl_certificate_key k.pem; return 200 ok; }}",
            p,
        ),
    )


WEBSOCKET = """
const q = require('http').get({ host: '127.0.0.1', port: process.argv[2], headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } });
q.on('upgrade', () => { console.log('open'); process.exit(0) });
q.on('response', r => { console.error('Error: Unexpected server response: ' + r.statusCode); process.exit(1) });
"""

POSTGRES_WITHOUT_TLS = """
import socket
s = socket.create_server(("127.0.0.1", %d))
while True:
    c, _ = s.accept(); c.recv(8); c.sendall(b"N")
    if c.recv(999):
        c.sendall(b"R\\0\\0\\0\\x08\\0\\0\\0\\0Z\\0\\0\\0\\x05I")
    c.close()
"""

POSTGRES_CLIENT = """
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3)
s.sendall(b"\\0\\0\\0\\x08\\x04\\xd2\\x16\\x2f")
if s.recv(1) == b"N" and sys.argv[2] == "require":
    sys.exit("server does not support SSL, but SSL was required")
s.sendall(b"\\0\\0\\0\\x13\\0\\x03\\0\\0user\\0app\\0\\0")
s.recv(99)
"""

FILL = put(
    "fill.py",
    "import socket,sys,time\nk=[]\nfor i in range(int(sys.argv[2])):\n  s=socket.socket(); s.setblocking(False); s.connect_ex(('127.0.0.1',int(sys.argv[1]))); k.append(s); time.sleep(.05)\ntime.sleep(999)",
)


def fill(port: int, n: int) -> str:
    """Return the line that opens connections and holds them."""
    return bg(f"{PY} $TRY/fill.py {port} {n}", cond="sleep .8")


PROGRAMS: Final[tuple[Scenario, ...]] = (
    _one(
        "seccomp denies connect",
        "security-policy",
        NEVER,
        f"{PY} $TRY/sec.py 42 13 nc -w1 127.0.0.1 8950",
        "127.0.0.1:8950",
        setup=(put("sec.py", SECCOMP), bg(f"{PY} -m http.server 8950 --bind 127.0.0.1", 8950)),
    ),
    _one(
        "landlock denies connect",
        "security-policy",
        NEVER,
        f"{PY} $TRY/ll.py 2 443 curl -sS http://127.0.0.1:8951/",
        "127.0.0.1:8951",
        setup=(put("ll.py", LANDLOCK), bg(f"{PY} -m http.server 8951 --bind 127.0.0.1", 8951)),
    ),
    _one(
        "seccomp denies connect, and nobody says so",
        "security-policy",
        NEVER,
        f"{PY} $TRY/sec.py 42 1 {PY} $TRY/quiet.py",
        "127.0.0.1:8952",
        setup=(
            put("sec.py", SECCOMP),
            put(
                "quiet.py",
                "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 8952), 1)\n"
                "except OSError:\n    raise SystemExit(3)",
            ),
            bg(f"{PY} -m http.server 8952 --bind 127.0.0.1", 8952),
        ),
    ),
    _one(
        "java binds to an address that is gone",
        "client-source-address",
        NEVER,
        "java $TRY/S.java",
        "127.0.0.1:8953",
        setup=(
            put(
                "S.java",
                "import java.net.*; public class S { public static void main(String[] a) throws Exception {"
                ' new Socket("127.0.0.1", 8953, InetAddress.getByName("10.77.0.9"), 0); } }',
            ),
            bg(f"{PY} -m http.server 8953 --bind 127.0.0.1", 8953),
        ),
        in_packets=False,
    ),
    _one(
        "a rule leads to a container that is gone",
        "container-mapping",
        NEVER,
        "curl -sS --max-time 5 http://127.0.0.1:8954/",
        "127.0.0.1:8954",
        setup=(
            "ip link add br9 type bridge; ip addr add 172.29.0.1/24 dev br9; ip link set br9 up;"
            " ip link add va type veth peer name vb; ip link set va master br9 up; ip link set vb up;"
            " sysctl -qw net.ipv4.conf.all.route_localnet=1;"
            " nft 'add table ip n; add chain ip n o { type nat hook output priority -100; };"
            " add chain ip n p { type nat hook postrouting priority 100; };"
            " add rule ip n o ip daddr 127.0.0.1 tcp dport 8954 dnat to 172.29.0.7:80;"
            " add rule ip n p ip saddr 127.0.0.1 oifname br9 masquerade'",
        ),
        in_packets=False,
    ),
    _one(
        "java's own proxy",
        "proxy-misdirect",
        NEVER,
        "java -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=3128 -Dhttp.nonProxyHosts= $TRY/U.java",
        "localhost:9204",
        setup=(
            put(
                "U.java",
                'import java.net.*; public class U { public static void main(String[] a) throws Exception { System.out.println(new URL("http://localhost:9204/").openStream().read()); } }',
            ),
            bg(f"{PY} -m http.server 9204 --bind 127.0.0.1", 9204),
        ),
    ),
    _one(
        "a proxy in .curlrc, on a port of its own",
        "proxy-misdirect",
        NEVER,
        "CURL_HOME=$TRY curl -sS --max-time 2 http://localhost:9206/",
        "localhost:9206",
        setup=(
            put(".curlrc", "proxy = http://127.0.0.1:9731\nproxytunnel"),
            *py(
                "deny.py",
                """
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self): self.send_error(403)
http.server.HTTPServer(("127.0.0.1", 9731), H).serve_forever()
""",
                9731,
            ),
        ),
    ),
    _one(
        "a server under another number, gone by the end",
        "wrong-port",
        RST,
        f"{H} 4731 --bind 127.0.0.1 -d $TRY >/dev/null 2>&1 & "
        "for i in $(seq 60); do ss -ltnH 'sport = :4731' | grep -q . && break; sleep .05; done; "
        "curl -sS --max-time 1 http://127.0.0.1:4790/; s=$?; kill $!; exit $s",
        "127.0.0.1:4790",
    ),
    _one(
        "ALL_PROXY socks to nobody",
        "proxy-misdirect",
        NEVER,
        "curl -sS http://localhost:9200/",
        "localhost:9200",
        environment={"ALL_PROXY": "socks5h://127.0.0.1:1080"},
        setup=(bg(f"{PY} -m http.server 9200 --bind 127.0.0.1", 9200),),
    ),
    _one(
        "answers dropped once established",
        "firewall-drop",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:7006/",
        "127.0.0.1:7006",
        setup=(
            bg(f"{H} 7006 --bind 127.0.0.1", 7006),
            nft(["tcp sport 7006 tcp flags & psh == psh drop"], "output"),
        ),
    ),
    _one(
        "rule added while connected",
        "firewall-drop",
        DONE,
        f"{PY} $TRY/r.py",
        "127.0.0.1:8325",
        setup=(
            bg("redis-server --port 8325 --bind 127.0.0.1 --save ''", 8325),
            put(
                "r.py",
                "import socket,os\ns=socket.create_connection(('127.0.0.1',8325))\ns.sendall(b'PING\\r\\n'); s.recv(99)\nos.system(\"iptables-nft -A INPUT -p tcp --dport 8325 -j DROP\")\ns.sendall(b'PING\\r\\n'); s.settimeout(2); s.recv(99)",
            ),
        ),
    ),
    _one(
        "nginx with a broken config",
        "crashed-before-bind",
        RST,
        "nginx -e stderr -p $TRY/ -c bad.conf & sleep .5; wget -q -t1 -O- http://127.0.0.1:8090/",
        "127.0.0.1:8090",
        setup=(put("bad.conf", "daemon off; events {} http { server { listen 8090; nonsense on; } }"),),
    ),
    _one(
        "socat listens just after the try",
        "startup-race",
        RST,
        "(sleep .6; exec socat TCP-LISTEN:8401,bind=127.0.0.1,fork EXEC:/bin/cat) & nc -z 127.0.0.1 8401; r=$?; sleep 1; kill %1; exit $r",
        "127.0.0.1:8401",
    ),
    _one(
        "localhost on 127.0.1.1 in hosts",
        "name-resolution",
        RST,
        "wget -q -t1 -T2 -O- http://localhost:8900/",
        "localhost:8900",
        also=("wrong-bind-address",),
        hosts="127.0.1.1 localhost\n",
        setup=(bg("php -S 127.0.0.1:8900 -t $TRY", 8900),),
    ),
    _one(
        "the command's localhost does not resolve",
        "name-resolution",
        NEVER,
        f"{PY} -c \"import urllib.request as u; u.urlopen('http://localhost:8901/', timeout=5)\"",
        "127.0.0.1:8901",
        hosts="127.0.0.1 devbox\n",
        setup=(bg(f"{H} 8901 --bind 127.0.0.1", 8901),),
    ),
    _one(
        "the command's localhost leads elsewhere",
        "name-resolution",
        NEVER,
        "wget -q -t1 -T2 -O- http://localhost:8902/",
        "127.0.0.1:8902",
        hosts="10.9.8.7 localhost\n127.0.0.1 devbox\n",
        setup=(ETH9, bg("php -S 127.0.0.1:8902 -t $TRY", 8902)),
    ),
    _one(
        "a compose file's name outside of it",
        "name-resolution",
        NEVER,
        "timeout 9 redis-cli -h db -p 8903 ping",
        "127.0.0.1:8903",
        setup=(bg("redis-server --port 8903 --bind 127.0.0.1 --save ''", 8903),),
    ),
    _one(
        "body cut short",
        "application-error",
        DONE,
        "curl -sS http://127.0.0.1:7705/",
        "127.0.0.1:7705",
        setup=py(
            "cut.py",
            """
import socket
s = socket.create_server(("127.0.0.1",7705))
while True:
    c,_ = s.accept(); c.recv(4096); c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000\\r\\n\\r\\nabc"); c.close()
""",
            7705,
        ),
    ),
    _one(
        "chunked answer broken off",
        "application-error",
        DONE,
        "curl -sS http://127.0.0.1:7708/",
        "127.0.0.1:7708",
        setup=node(
            "ch.js",
            "require('http').createServer((q,r)=>{r.write('abc');setTimeout(()=>r.destroy(),100)}).listen(7708,'127.0.0.1')",
            7708,
        ),
    ),
    _one(
        "abort mid-answer by RST",
        "application-error",
        DONE,
        "curl -sS http://127.0.0.1:5911/",
        "127.0.0.1:5911",
        also=("crashed-after-bind",),
        packets=("application-error",),
        setup=py(
            "ra.py",
            """
import socket, struct
s = socket.create_server(("127.0.0.1",5911))
while True:
    c,_ = s.accept(); c.recv(4096); c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000\\r\\n\\r\\nabc"); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii",1,0)); c.close()
""",
            5911,
        ),
    ),
    _one(
        "crash mid-answer",
        "crashed-after-bind",
        DONE,
        "curl -sS http://127.0.0.1:5912/",
        "127.0.0.1:5912",
        also=("application-error",),
        packets=("crashed-after-bind",),
        setup=py(
            "cm.py",
            """
import socket, os
s = socket.create_server(("127.0.0.1",5912))
c,_ = s.accept(); c.recv(4096); c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000\\r\\n\\r\\nabc"); os._exit(1)
""",
            5912,
        ),
    ),
    _one(
        "hangs in the middle of the answer",
        "server-hung",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:7406/",
        "127.0.0.1:7406",
        also=("application-error", "client-timeout-too-short"),
        setup=node(
            "mid.js",
            "require('http').createServer((q,r)=>{r.writeHead(200,{'Content-Length':1000});r.write('part')}).listen(7406,'127.0.0.1')",
            7406,
        ),
    ),
    _one(
        "h2 prior knowledge to http.server",
        "protocol-mismatch",
        DONE,
        "curl -sS --max-time 2 --http2-prior-knowledge http://127.0.0.1:7605/",
        "127.0.0.1:7605",
        also=("application-error",),
        packets=("protocol-mismatch",),
        setup=(bg(f"{H} 7605 --bind 127.0.0.1", 7605),),
    ),
    _one(
        "slow for the first, quick later",
        "client-timeout-too-short",
        DONE,
        "curl -sS --max-time .5 http://127.0.0.1:7502/; r=$?; sleep 1; curl -sS http://127.0.0.1:7502/; exit $r",
        "127.0.0.1:7502",
        setup=node(
            "sl.js",
            "let n=0;require('http').createServer((q,r)=>setTimeout(()=>r.end('late'),n++?0:1000)).listen(7502,'127.0.0.1')",
            7502,
        ),
    ),
    _one(
        "http to redis",
        "protocol-mismatch",
        DONE,
        "curl -sS --max-time 3 http://127.0.0.1:9301/metrics",
        "127.0.0.1:9301",
        setup=(bg("redis-server --port 9301 --bind 127.0.0.1 --save ''", 9301),),
    ),
    _one(
        "redis has the port of an http server",
        "port-conflict",
        DONE,
        f"cd $TRY; {H} 9302 -b 127.0.0.1 & sleep 1; curl -sS --max-time 3 http://127.0.0.1:9302/",
        "127.0.0.1:9302",
        setup=(bg("redis-server --port 9302 --bind 127.0.0.1 --save ''", 9302),),
    ),
    _one(
        "an old instance hangs on the port of the new one",
        "port-conflict",
        DONE,
        f"{PY} $TRY/once.py & sleep .7; wget -q -O- -t 1 -T 2 http://127.0.0.1:9303/ || exit 4",
        "127.0.0.1:9303",
        also=("server-hung",),
        packets=("port-conflict", "server-hung"),
        setup=(
            put(
                "once.py",
                "import http.server as h\nclass S(h.HTTPServer): allow_reuse_address = False\n"
                "S(('127.0.0.1', 9303), h.BaseHTTPRequestHandler).serve_forever()",
            ),
            bg(f"{PY} $TRY/once.py", 9303),
            "kill -STOP $(head -1 $TRY/pids)",
        ),
    ),
    _one(
        "a proxy of git's own, on a port of its own",
        "proxy-misdirect",
        NEVER,
        "HOME=$TRY git ls-remote http://127.0.0.1:9304/app.git",
        "127.0.0.1:9304",
        setup=(
            put(".gitconfig", "[http]\n\tproxy = http://127.0.0.1:9745"),
            bg(f"{H} 9304 --bind 127.0.0.1", 9304),
        ),
    ),
    _one(
        "haproxy, its server dead, no byte",
        "gateway-upstream",
        DONE,
        "timeout 4 ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -p 9305 127.0.0.1 true",
        "127.0.0.1:9305",
        setup=(
            put(
                "h.cfg",
                "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n"
                "listen x\n  bind 127.0.0.1:9305\n  retries 0\n  server a 127.0.0.1:9306",
            ),
            bg("haproxy -db -f $TRY/h.cfg", 9305),
        ),
    ),
    _one(
        "work of docker-proxy, the inner port dead",
        "container-mapping",
        DONE,
        "wget -q -O- -t 1 -T 3 http://127.0.0.1:9307/ || exit 4",
        "127.0.0.1:9307",
        setup=(
            put(
                "docker-proxy",
                "import socket\nl = socket.create_server(('127.0.0.1', 9307))\nwhile True:\n"
                "    c, _ = l.accept()\n    c.close()",
            ),
            bg(
                f"{PY} $TRY/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 9307"
                " -container-ip 172.30.0.2 -container-port 8000",
                9307,
            ),
        ),
    ),
    _one(
        "a relay to a port where nobody is",
        "gateway-upstream",
        DONE,
        "curl -sS -o /dev/null --max-time 3 http://127.0.0.1:9317/",
        "127.0.0.1:9317",
        setup=(bg("socat TCP-LISTEN:9317,bind=127.0.0.1,fork,reuseaddr TCP:127.0.0.1:9318", 9317),),
    ),
    _one(
        "a server started in the background, asked at once",
        "startup-race",
        RST,
        f"(sleep 1; exec timeout 4 {PY} -m http.server 9319 --bind 127.0.0.1 >/dev/null 2>&1) &"
        " curl -sS -o /dev/null --max-time 1 http://127.0.0.1:9319/",
        "127.0.0.1:9319",
    ),
    _one(
        "plain HTTP to an nginx that wants the PROXY line",
        "protocol-mismatch",
        DONE,
        "curl -sS -o /dev/null --max-time 3 http://127.0.0.1:9321/",
        "127.0.0.1:9321",
        setup=nginx("server { listen 127.0.0.1:9321 proxy_protocol; location / { return 200 ok; } }", 9321),
    ),
    _one(
        "silence behind a forwarder",
        "container-mapping",
        DONE,
        "wget -q -O- -t 1 -T 2 http://127.0.0.1:9308/ || exit 4",
        "127.0.0.1:9308",
        also=("firewall-drop", "gateway-upstream"),
        setup=(
            "iptables -A INPUT -p tcp --dport 9309 -j DROP",
            bg("socat TCP-LISTEN:9308,bind=127.0.0.1,fork,reuseaddr TCP:127.0.0.1:9309", 9308),
        ),
    ),
    _one(
        "a rule resets what follows the handshake",
        "firewall-reject",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:9310/",
        "127.0.0.1:9310",
        setup=(
            *answering_nginx(9310),
            "iptables -A INPUT -p tcp --dport 9310 --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset",
        ),
    ),
    _one(
        "tls to redis",
        "protocol-mismatch",
        DONE,
        "timeout 3 openssl s_client -connect 127.0.0.1:7608 </dev/null",
        "127.0.0.1:7608",
        setup=(bg("redis-server --port 7608 --bind 127.0.0.1 --save ''", 7608),),
    ),
    _one(
        "http to a TLS socat",
        "protocol-mismatch",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:7609/",
        "127.0.0.1:7609",
        setup=(
            CERT,
            bg("socat OPENSSL-LISTEN:7609,cert=both.pem,verify=0,fork,reuseaddr EXEC:/bin/cat", 7609),
        ),
    ),
    _one(
        "other name, wget",
        "tls-certificate",
        DONE,
        "wget -q -t1 --ca-certificate=$TRY/c.pem -O- https://localhost:7952/",
        "localhost:7952",
        setup=(
            OTHERNAME,
            *nginx(
                "server { listen 127.0.0.1:7952 ssl; ssl_certificate c.pem; ssl_certificate_key k.pem; return 200 ok; }",
                7952,
            ),
        ),
    ),
    _one(
        "git's own protocol to a web port",
        "protocol-mismatch",
        DONE,
        "git ls-remote git://127.0.0.1:7961/x.git",
        "127.0.0.1:7961",
        setup=nginx("server { listen 127.0.0.1:7961; return 200 ok; }", 7961),
        also=("wrong-port",),
    ),
    _one(
        "iperf3 runs another test",
        "service-limit",
        DONE,
        "iperf3 -c 127.0.0.1 -p 7962 -t 1 --connect-timeout 2000",
        "127.0.0.1:7962",
        setup=(bg("iperf3 -s -p 7962", 7962), bg("iperf3 -c 127.0.0.1 -p 7962 -t 60 -b 1K", cond="sleep .7")),
    ),
    _one(
        "slapd does not take the password",
        "application-error",
        DONE,
        "ldapwhoami -x -H ldap://127.0.0.1:7963 -D cn=admin,dc=ex -w wrong",
        "127.0.0.1:7963",
        setup=(
            put(
                "slapd.conf",
                "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\ndatabase ldif\nsuffix dc=ex\n"
                "directory l\nrootdn cn=admin,dc=ex\nrootpw secret",
            ),
            "mkdir $TRY/l",
            bg("slapd -d 0 -f $TRY/slapd.conf -h ldap://127.0.0.1:7963", 7963),
        ),
    ),
    _one(
        "git, self-signed",
        "tls-certificate",
        DONE,
        "git ls-remote https://localhost:7955/x.git",
        "localhost:7955",
        setup=(
            CERT,
            *nginx(
                "server { listen 127.0.0.1:7955 ssl; ssl_protocols TLSv1.2; ssl_certificate c.pem; ssl_certificate_key k.pem; return 200 ok; }",
                7955,
            ),
        ),
    ),
    _one(
        "node fetch, self-signed",
        "tls-certificate",
        DONE,
        "node -e \"fetch('https://localhost:7953/').catch(e=>{console.error(e.cause.code);process.exit(1)})\"",
        "localhost:7953",
        setup=(
            CERT,
            bg("openssl s_server -accept 127.0.0.1:7953 -key k.pem -cert c.pem -www -no_tls1_3", 7953),
        ),
    ),
    _one(
        "urllib, self-signed",
        "tls-certificate",
        DONE,
        f"{PY} -c \"import urllib.request as u; u.urlopen('https://localhost:7956/')\"",
        "localhost:7956",
        setup=(
            CERT,
            bg("socat OPENSSL-LISTEN:7956,cert=both.pem,verify=0,fork,reuseaddr EXEC:/bin/cat", 7956),
        ),
    ),
    _one(
        "client certificate wanted",
        "tls-certificate",
        DONE,
        "curl -sS -f --cacert $TRY/c.pem https://localhost:8315/",
        "localhost:8315",
        also=("application-error", "protocol-mismatch"),
        setup=(
            CERT,
            bg(
                "openssl s_server -accept 127.0.0.1:8315 -key k.pem -cert c.pem -CAfile c.pem -Verify 1 -verify_return_error -www",
                8315,
            ),
        ),
    ),
    _one(
        "nginx 502, dead upstream",
        "gateway-upstream",
        DONE,
        "curl -sS -f http://127.0.0.1:7800/",
        "127.0.0.1:7800",
        setup=nginx(
            "server { listen 127.0.0.1:7800; location / { proxy_pass http://127.0.0.1:9001; } }", 7800
        ),
    ),
    _one(
        "haproxy tcp mode, dead backend",
        "gateway-upstream",
        DONE,
        "curl -sS http://127.0.0.1:8322/",
        "127.0.0.1:8322",
        also=("container-mapping",),
        packets=("container-mapping",),
        setup=(
            put(
                "ha.cfg",
                "defaults\n mode tcp\n timeout connect 1s\n timeout client 5s\n timeout server 5s\nfrontend f\n bind 127.0.0.1:8322\n default_backend b\nbackend b\n server s 127.0.0.1:9013",
            ),
            bg("haproxy -db -f $TRY/ha.cfg", 8322),
        ),
    ),
    _one(
        "killed in the middle of a kept connection",
        "crashed-after-bind",
        DONE,
        f"{PY} $TRY/k.py",
        "127.0.0.1:8310",
        also=("application-error",),
        packets=("crashed-after-bind",),
        setup=(
            bg("redis-server --port 8310 --bind 127.0.0.1 --save ''", 8310),
            put(
                "k.py",
                "import socket,os,time,signal\ns=socket.create_connection(('127.0.0.1',8310))\ns.sendall(b'PING\\r\\n'); print(s.recv(99))\nos.kill(int(open(os.environ['TRY']+'/pids').read().split()[0]),9); time.sleep(.2)\ns.sendall(b'PING\\r\\n'); x=s.recv(99); assert x",
            ),
        ),
    ),
    _one(
        "another program's port is taken",
        NR,
        RST,
        f"{PY} -m http.server 9999 --bind 127.0.0.1 & sleep .5; curl -sS http://127.0.0.1:5901/",
        "127.0.0.1:5901",
        setup=(
            bg("socat TCP-LISTEN:9999 -", 9999)
            if False
            else bg(f"{PY} -m http.server 9999 --bind 127.0.0.1", 9999),
        ),
    ),
    _one(
        "node: another port is taken, named",
        NR,
        RST,
        "node $TRY/n.js; curl -sS http://127.0.0.1:4901/",
        "127.0.0.1:4901",
        setup=(
            bg(f"{PY} -m http.server 9999 --bind 127.0.0.1", 9999),
            put("n.js", "require('http').createServer().listen(9999,'127.0.0.1')"),
        ),
    ),
    _one(
        "another port may not be bound, named",
        NR,
        RST,
        "setpriv --reuid 65534 --clear-groups node -e \"require('http').createServer().listen(80)\"; curl -sS http://127.0.0.1:443/",
        "127.0.0.1:443",
    ),
    _one(
        "certificate words of npm, server hung",
        "server-hung",
        DONE,
        "echo 'npm ERR! code CERT_HAS_EXPIRED' >&2; curl -sS --max-time 2 http://127.0.0.1:4903/",
        "127.0.0.1:4903",
        setup=(
            bg("redis-server --port 4903 --bind 127.0.0.1 --save ''", 4903),
            "kill -STOP $(cat $TRY/pids)",
        ),
    ),
    _one(
        "TIME-WAIT of the old instance",
        "port-conflict",
        RST,
        f"{PY} $TRY/new.py & sleep .6; curl -sS http://127.0.0.1:8801/",
        "127.0.0.1:8801",
        also=("crashed-before-bind",),
        setup=(
            put(
                "tw.py",
                """
import socket, threading
s = socket.socket(); s.bind(("127.0.0.1", 8801)); s.listen()
def c():
    k = socket.create_connection(("127.0.0.1", 8801)); k.recv(10); k.close()
t = threading.Thread(target=c); t.start()
k, _ = s.accept(); k.close(); t.join()
""",
            ),
            f"{PY} $TRY/tw.py",
            put(
                "new.py",
                "import socket\ns=socket.socket(); s.bind(('127.0.0.1',8801)); s.listen(); s.accept()",
            ),
        ),
    ),
    _one(
        "an outgoing connection has the port",
        "port-conflict",
        RST,
        f"{PY} -m http.server 8802 --bind 127.0.0.1 & sleep .6; curl -sS http://127.0.0.1:8802/",
        "127.0.0.1:8802",
        also=("crashed-before-bind",),
        setup=(
            bg("socat TCP-LISTEN:9901,fork EXEC:/bin/cat", 9901),
            bg(
                "socat TCP:127.0.0.1:9901,bind=127.0.0.1:8802 EXEC:'sleep 99'",
                cond="ss -tnH 'sport = :8802' | grep -q ESTAB",
            ),
        ),
    ),
    _one(
        "sleeping single thread, queue full",
        "accept-queue-overflow",
        NOREPLY,
        "wget -q -t1 -T2 -O- http://127.0.0.1:7303/",
        "127.0.0.1:7303",
        also=("server-hung",),
        packets=("accept-queue-overflow",),
        setup=(
            *py(
                "sq.py",
                "import socket,time\ns=socket.socket();s.bind(('127.0.0.1',7303));s.listen(0);c=s.accept();time.sleep(99)",
                7303,
            ),
            FILL,
            fill(7303, 5),
        ),
    ),
    _one(
        "server out of descriptors, held connections",
        "resource-limits",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:9150/",
        "127.0.0.1:9150",
        setup=(
            put("f.sh", f"ulimit -n 8; exec {PY} $TRY/f.py"),
            put(
                "f.py",
                """
import http.server, time
class S(http.server.ThreadingHTTPServer):
    def handle_error(self,*a): pass
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"x")
S(("127.0.0.1",9150),H).serve_forever()
""",
            ),
            bg("bash $TRY/f.sh", 9150),
            FILL,
            fill(9150, 7),
        ),
    ),
    _one(
        "node out of descriptors",
        "resource-limits",
        DONE,
        "curl -sS --max-time 2 http://127.0.0.1:9152/",
        "127.0.0.1:9152",
        setup=(
            put("n.sh", "ulimit -n 24; exec node $TRY/n.js"),
            put("n.js", "require('http').createServer((q,r)=>r.end('x')).listen(9152,'127.0.0.1')"),
            bg("bash $TRY/n.sh", 9152),
            FILL,
            fill(9152, 12),
        ),
    ),
    _one(
        "redis stopped by SIGSTOP",
        "server-hung",
        DONE,
        "timeout 2 redis-cli -p 7405 ping",
        "127.0.0.1:7405",
        setup=(
            bg("redis-server --port 7405 --bind 127.0.0.1 --save ''", 7405),
            "kill -STOP $(cat $TRY/pids)",
        ),
    ),
    _one(
        "connlimit rejects",
        "firewall-reject",
        RST,
        "curl -sS http://127.0.0.1:7106/",
        "127.0.0.1:7106",
        setup=(
            bg("socat TCP-LISTEN:7106,fork EXEC:'sleep 99'", 7106),
            "iptables-legacy -A INPUT -p tcp --syn --dport 7106 -m connlimit --connlimit-above 1 -j REJECT --reject-with tcp-reset",
            bg("socat TCP:127.0.0.1:7106 EXEC:'sleep 99'", cond="ss -tnH 'dport = :7106' | grep -q ESTAB"),
        ),
        after=("iptables-legacy -F",),
    ),
    _one(
        "legacy host prohibited",
        "firewall-reject",
        NOREPLY,
        "nc -w2 127.0.0.1 7101",
        "127.0.0.1:7101",
        setup=(
            bg(f"{H} 7101 --bind 127.0.0.1", 7101),
            "iptables-legacy -A INPUT -p tcp --dport 7101 -j REJECT --reject-with icmp-host-prohibited",
        ),
        after=("iptables-legacy -F",),
    ),
    _one(
        "ip rule prohibit",
        "loopback-down",
        NEVER,
        "curl -sS http://127.0.0.1:7200/",
        "127.0.0.1:7200",
        also=("route-leads-away", "security-policy", "firewall-reject", "stack-fault"),
        in_packets=False,
        setup=(
            bg(f"{H} 7200 --bind 127.0.0.1", 7200),
            "ip rule add pref 10 lookup local; ip rule del pref 0; ip rule add pref 5 to 127.0.0.1 prohibit",
        ),
    ),
    _one(
        "socat bound to a device",
        "wrong-bind-address",
        RST,
        "nc -z 127.0.0.1 8502",
        "127.0.0.1:8502",
        setup=(ETH9, bg("socat TCP-LISTEN:8502,so-bindtodevice=eth9,fork EXEC:/bin/cat", 8502)),
    ),
    _works(
        "401, then the password",
        "curl -sS -f --anyauth -u a:b http://127.0.0.1:6140/",
        "127.0.0.1:6140",
        setup=node(
            "au.js",
            "require('http').createServer((q,r)=>{if(!q.headers.authorization){r.writeHead(401,{'WWW-Authenticate':'Basic realm=x'});return r.end()} r.end('in')}).listen(6140,'127.0.0.1')",
            6140,
        ),
    ),
    _works(
        "curl -kv of a self-signed server",
        "curl -skv https://127.0.0.1:4700/",
        "127.0.0.1:4700",
        setup=tls_nginx(4700),
    ),
    _works(
        "openssl verify error, no request",
        "openssl s_client -connect 127.0.0.1:4703 </dev/null",
        "127.0.0.1:4703",
        setup=tls_nginx(4703),
    ),
    _works(
        "retry after a 503",
        "curl -sS -f --retry 3 --retry-delay 1 -o /dev/null http://127.0.0.1:4704/",
        "127.0.0.1:4704",
        setup=node(
            "r5.js",
            "let n=0;require('http').createServer((q,r)=>{r.statusCode=n++?200:503;r.end('x')}).listen(4704,'127.0.0.1')",
            4704,
        ),
    ),
    _works(
        "somebody else's poller fails, localhost asked",
        "sleep .5; curl -4 -sS http://localhost:4708/; sleep .5",
        "localhost:4708",
        setup=(*answering_nginx(4708), bg("bash -c 'while sleep .3; do nc -z -w1 ::1 4708; done'")),
        also=("address-family-mismatch",),
    ),
    _one(
        "plain http to openssl s_server",
        "protocol-mismatch",
        DONE,
        "curl -sS http://127.0.0.1:4711/",
        "127.0.0.1:4711",
        also=("application-error",),
        packets=("protocol-mismatch",),
        setup=(CERT, bg("openssl s_server -accept 127.0.0.1:4711 -key k.pem -cert c.pem -www", 4711)),
    ),
    _works(
        "another host's words of failure",
        "echo 'connect to db.example:5432 failed: Connection refused'; echo 'certificate verify failed: self-signed certificate' >&2; curl -sS http://127.0.0.1:5952/",
        "127.0.0.1:5952",
        setup=answering_nginx(5952),
    ),
    _works(
        "address in use words",
        "echo 'bind: address already in use' >&2; curl -sS http://127.0.0.1:4952/",
        "127.0.0.1:4952",
        setup=answering_nginx(4952),
    ),
    _works(
        "descriptor words",
        "echo 'EMFILE: too many open files' >&2; curl -sS http://127.0.0.1:4953/",
        "127.0.0.1:4953",
        setup=answering_nginx(4953),
    ),
    _works(
        "a proxy that works",
        "curl -sS http://localhost:6129/",
        "localhost:6129",
        environment={"http_proxy": "http://127.0.0.1:3128"},
        setup=(*answering_nginx(6129), bg("ncat -lk 127.0.0.1 3128 --proxy-type http", 3128)),
    ),
    _works(
        "one-way protocol, nc -N",
        "echo 'metric 1' | nc -N 127.0.0.1 6116",
        "127.0.0.1:6116",
        setup=(bg("socat -u TCP-LISTEN:6116,fork OPEN:/dev/null", 6116),),
    ),
    _works(
        "IPv6 dropped, happy eyeballs",
        "curl -sS http://localhost:6103/",
        "localhost:6103",
        hosts="::1 localhost\n127.0.0.1 localhost\n",
        setup=(*answering_nginx(6103), "ip6tables -A INPUT -i lo -p tcp -j DROP"),
    ),
    _works(
        "through ssh -L",
        "curl -sS http://127.0.0.1:6106/",
        "127.0.0.1:6106",
        setup=(*answering_nginx(6107), *sshd(6108), sshl(6106, 6107, 6108)),
    ),
    _works(
        "TLS health check, no request",
        "timeout 3 openssl s_client -connect 127.0.0.1:5962 -CAfile $TRY/c.pem </dev/null >/dev/null",
        "127.0.0.1:5962",
        setup=(
            CERT,
            *nginx(
                "server { listen 127.0.0.1:5962 ssl; ssl_certificate c.pem; ssl_certificate_key k.pem; return 200 ok; }",
                5962,
            ),
        ),
    ),
    _works(
        "torn down with a kept connection",
        f"{PY} $TRY/td.py",
        "127.0.0.1:5954",
        setup=(
            bg("redis-server --port 5954 --bind 127.0.0.1 --save ''", 5954),
            put(
                "td.py",
                "import socket,os,time\ns=socket.create_connection(('127.0.0.1',5954))\ns.sendall(b'PING\\r\\n'); s.recv(99)\nos.kill(int(open(os.environ['TRY']+'/pids').read().split()[0]),9); time.sleep(.3); s.close()",
            ),
        ),
    ),
    _works(
        "answer without Content-Length, closed",
        "curl -sS --http1.0 http://127.0.0.1:5960/ -o /dev/null",
        "127.0.0.1:5960",
        setup=py(
            "cl.py",
            """
import socket
s = socket.create_server(("127.0.0.1",5960))
while True:
    c,_ = s.accept(); c.recv(4096); c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello"); c.close()
""",
            5960,
        ),
    ),
    _works(
        "HEAD with a Content-Length",
        "curl -sSI http://127.0.0.1:5961/big -o /dev/null",
        "127.0.0.1:5961",
        setup=("head -c 50000 /dev/zero > $TRY/big", bg(f"{H} 5961 --bind 127.0.0.1 -d $TRY", 5961)),
    ),
    _works(
        "subscriber waits without a word",
        f"timeout 2 {PY} -c \"import socket,time; s=socket.create_connection(('127.0.0.1',6149)); s.sendall(b'SUBSCRIBE ch\\r\\n'); s.recv(99); s.settimeout(5); s.recv(99)\"; true",
        "127.0.0.1:6149",
        setup=(bg("redis-server --port 6149 --bind 127.0.0.1 --save ''", 6149),),
    ),
    _one(
        "503 of the service itself",
        "application-error",
        DONE,
        "wget -O- -T 3 -t 1 http://127.0.0.1:4720/orders",
        "127.0.0.1:4720",
        setup=node(
            "own.js",
            "require('http').createServer((q,r)=>{r.writeHead(503,{'Content-Type':'application/json'});r.end('{\"error\":\"maintenance\"}')}).listen(4720,'127.0.0.1')",
            4720,
        ),
    ),
    _one(
        "503 of a sealed agent",
        "control-plane-endpoint",
        DONE,
        "curl -sS -f http://127.0.0.1:8200/v1/sys/health",
        "127.0.0.1:8200",
        also=("application-error",),
        setup=node(
            "sealed.js",
            "require('http').createServer((q,r)=>{r.statusCode=503;r.end('{\"errors\":[\"Vault is sealed\"]}')}).listen(8200,'127.0.0.1')",
            8200,
        ),
    ),
    _one(
        "500 of a development proxy, dead upstream",
        "gateway-upstream",
        DONE,
        "curl -sS -f http://127.0.0.1:4721/api",
        "127.0.0.1:4721",
        setup=node(
            "dev.js",
            "const h=require('http');h.createServer((q,r)=>{h.get({host:'127.0.0.1',port:4722,path:q.url},a=>a.pipe(r)).on('error',()=>{r.statusCode=500;r.end()})}).listen(4721,'127.0.0.1')",
            4721,
        ),
    ),
    _one(
        "WebSocket to a server without",
        "protocol-mismatch",
        DONE,
        "node $TRY/ws.js 4723",
        "127.0.0.1:4723",
        also=("application-error",),
        packets=("protocol-mismatch",),
        setup=(
            put("ws.js", WEBSOCKET),
            *node(
                "plain.js",
                "require('http').createServer((q,r)=>{r.statusCode=404;r.end('no')}).listen(4723,'127.0.0.1')",
                4723,
            ),
        ),
    ),
    _works(
        "WebSocket",
        "node $TRY/ws.js 4724",
        "127.0.0.1:4724",
        setup=(
            put("ws.js", WEBSOCKET),
            *node(
                "wss.js",
                "require('http').createServer().on('upgrade',(q,s)=>s.end('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n')).listen(4724,'127.0.0.1')",
                4724,
            ),
        ),
    ),
    _one(
        "http to a service that greets in its own way",
        "protocol-mismatch",
        DONE,
        "curl -sS http://127.0.0.1:4725/",
        "127.0.0.1:4725",
        setup=(
            bg("socat TCP-LISTEN:4725,bind=127.0.0.1,fork,reuseaddr SYSTEM:'echo hello\\; sleep 1'", 4725),
        ),
    ),
    _one(
        "PostgreSQL without TLS, a client that insists",
        "protocol-mismatch",
        DONE,
        f"{PY} $TRY/pg.py 4726 require",
        "127.0.0.1:4726",
        setup=(put("pg.py", POSTGRES_CLIENT), *py("pgs.py", POSTGRES_WITHOUT_TLS % 4726, 4726)),
    ),
    _works(
        "PostgreSQL without TLS, a client that goes on",
        f"{PY} $TRY/pg.py 4727 prefer",
        "127.0.0.1:4727",
        setup=(put("pg.py", POSTGRES_CLIENT), *py("pgs.py", POSTGRES_WITHOUT_TLS % 4727, 4727)),
    ),
    _one(
        "chunks cut short, beyond what is kept",
        "application-error",
        DONE,
        f"{PY} -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:4728/',timeout=3).read()\"",
        "127.0.0.1:4728",
        setup=py(
            "cut.py",
            """
import socket
s = socket.create_server(("127.0.0.1", 4728))
while True:
    c, _ = s.accept(); c.recv(4096)
    c.sendall(b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1000\\r\\n" + b"y" * 2000); c.close()
""",
            4728,
        ),
    ),
)
