"""Which options and arguments of well-known clients name where they connect to, and which only look like it.

Input: a client's name. Output: its ``Client`` row. A row lists the options that take a value, because the value of
``-H``, ``-d`` or ``--proxy`` may look like a target and is none; options that are not listed take no value.

Source: the programs' manual pages.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


class Arguments(enum.Enum):
    """What a program's own arguments (those that are no options) are."""

    URLS = "every argument is a URL, or HOST:PORT"
    FIRST_URL = "the first argument that is no method is a URL, HOST:PORT or :PORT"
    FIRST_HOST_PORT = "the first argument is HOST:PORT or a URL"
    HOST_THEN_PORTS = "a host, then ports"
    HOST = "a host"
    COPY = "paths, HOST:PATH for a remote one"
    LOOSE = "anything; a URL or HOST:PORT counts"
    NONE = "nothing that names a target"


@dataclass(frozen=True, slots=True)
class Client:
    """How one client is told where to connect."""

    names: frozenset[str]
    arguments: Arguments
    default_port: int | None = None
    default_host: str | None = None
    """The host when only a port is named, or nothing; ``None`` when there is no TCP target then."""
    scheme: str | None = None
    """The scheme of a URL that names none."""
    host: frozenset[str] = frozenset()
    port: frozenset[str] = frozenset()
    url: frozenset[str] = frozenset()
    """Options whose value is a URL or HOST:PORT."""
    values: frozenset[str] = frozenset()
    """Options whose value is something else."""
    elsewhere: frozenset[str] = frozenset()
    """Options that mean: no TCP target (a server, a Unix socket)."""
    long_with_one_dash: bool = False

    @property
    def with_value(self) -> frozenset[str]:
        """Every option that takes a value."""
        return self.host | self.port | self.url | self.values


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _letters(letters: str) -> frozenset[str]:
    return frozenset(f"-{letter}" for letter in letters)


_LOAD = _words(
    "-A -C -H -M -P -T -X -c -d -i -m -n -o -p -q -r -s -t -x -z -D -a --header --connections --threads "
    "--duration --method --body --timeout --script --rate --concurrency"
)

CLIENTS: Final = (
    Client(
        names=_words("curl curlie"),
        arguments=Arguments.URLS,
        scheme="http",
        url=_words("--url"),
        values=_letters("AbcCdDeEFHKmoPQrtTuUwxXyYz")
        | _words(
            "--abstract-unix-socket --alt-svc --aws-sigv4 --cacert --capath --cert --cert-type --ciphers --config "
            "--connect-timeout --connect-to --continue-at --cookie --cookie-jar --create-file-mode --crlfile "
            "--curves --data --data-ascii --data-binary --data-raw --data-urlencode --delegation --dns-interface "
            "--dns-ipv4-addr --dns-ipv6-addr --dns-servers --doh-url --dump-header --egd-file --engine "
            "--etag-compare --etag-save --expect100-timeout --form --form-string --ftp-account "
            "--ftp-alternative-to-user --ftp-method --ftp-port --ftp-ssl-ccc-mode "
            "--happy-eyeballs-timeout-ms --header --hostpubmd5 --hostpubsha256 --hsts --interface "
            "--ipfs-gateway --json --keepalive-time --key --key-type --krb "
            "--libcurl --limit-rate --local-port --login-options --mail-auth --mail-from --mail-rcpt --max-filesize "
            "--max-redirs --max-time --netrc-file --noproxy --oauth2-bearer --output --output-dir --parallel-max "
            "--pass --pinnedpubkey --preproxy --proto --proto-default --proto-redir --proxy --proxy-cacert "
            "--proxy-cert --proxy-header --proxy-user --proxy1.0 --quote --random-file --range --rate --referer "
            "--request --request-target --resolve --retry --retry-delay --retry-max-time --service-name --socks4 "
            "--socks4a --socks5 --socks5-hostname --speed-limit --speed-time --stderr --telnet-option "
            "--time-cond --tls-max --tls13-ciphers --trace --trace-ascii --unix-socket --upload-file --url-query "
            "--user --user-agent --variable --write-out"
        ),
        elsewhere=_words("--unix-socket --abstract-unix-socket"),
    ),
    Client(
        names=_words("wget wget2"),
        arguments=Arguments.URLS,
        scheme="http",
        values=_letters("aABDeiIloOPQRtTUwX")
        | _words(
            "--output-file --append-output --input-file --base --config --tries --output-document --start-pos "
            "--timeout --dns-timeout --connect-timeout --read-timeout --wait --waitretry --quota --bind-address "
            "--limit-rate --user --password --directory-prefix --cut-dirs --default-page --header --max-redirect "
            "--proxy-user --proxy-password --referer --user-agent --load-cookies --save-cookies --post-data "
            "--post-file --method --body-data --body-file --certificate --private-key --ca-certificate "
            "--ca-directory --level --accept --reject --domains --execute"
        ),
    ),
    Client(
        names=_words("http httpie xh"),
        arguments=Arguments.FIRST_URL,
        scheme="http",
        values=_words(
            "-a --auth -A --auth-type -o --output --proxy --session --timeout --verify --cert --cert-key -p --print "
            "-s --style --pretty --boundary --raw --max-redirects --ssl --default-scheme -P --history-print"
        ),
    ),
    Client(
        names=_words("https xhs"),
        arguments=Arguments.FIRST_URL,
        scheme="https",
        values=_words(
            "-a --auth -A --auth-type -o --output --proxy --session --timeout --verify --cert -p --print"
        ),
    ),
    Client(
        names=_words("nc ncat netcat nc.openbsd nc.traditional"),
        arguments=Arguments.HOST_THEN_PORTS,
        values=_letters("IiMmOPpqsTVWwXxceGg")
        | _words(
            "--proxy --proxy-auth --proxy-type --source --source-port --wait --idle-timeout --exec --sh-exec"
        ),
        elsewhere=_words("-l --listen -U --unixsock -u --udp"),
    ),
    Client(
        names=_words("telnet"),
        arguments=Arguments.HOST_THEN_PORTS,
        default_port=23,
        values=_letters("beklnSX"),
    ),
    Client(
        names=_words("ssh slogin"),
        arguments=Arguments.HOST,
        default_port=22,
        scheme="ssh",
        port=_words("-p"),
        values=_letters("BbcDEeFIiJLlmOoQRSWw"),
    ),
    Client(
        names=_words("scp sftp"),
        arguments=Arguments.COPY,
        default_port=22,
        port=_words("-P"),
        values=_letters("BbcDFiJlORSsXo"),
    ),
    Client(
        names=_words(
            "psql pg_isready pg_dump pg_dumpall pg_restore createdb dropdb createuser dropuser vacuumdb pgbench pgcli"
        ),
        arguments=Arguments.LOOSE,
        default_port=5432,
        host=_words("-h --host"),
        port=_words("-p --port"),
        url=_words("-d --dbname"),
        values=_letters("cfFLoPRTtUv")
        | _words("--command --file --output --username --timeout --variable --set"),
    ),
    Client(
        names=_words("mysql mysqladmin mysqldump mysqlcheck mariadb mariadb-admin mariadb-dump mycli"),
        arguments=Arguments.LOOSE,
        default_port=3306,
        host=_words("-h --host"),
        port=_words("-P --port"),
        values=_letters("DeuS") | _words("--database --execute --user --socket"),
        elsewhere=_words("-S --socket"),
    ),
    Client(
        names=_words("redis-cli valkey-cli keydb-cli redis-benchmark iredis"),
        arguments=Arguments.NONE,
        default_port=6379,
        default_host="127.0.0.1",
        host=_words("-h"),
        port=_words("-p"),
        url=_words("-u"),
        values=_letters("aDdinrsXtcP") | _words("--user --pass --cacert --cert --key --sni"),
        elsewhere=_words("-s"),
    ),
    Client(
        names=_words("mongo mongosh mongodump mongorestore mongostat"),
        arguments=Arguments.FIRST_HOST_PORT,
        default_port=27017,
        default_host="127.0.0.1",
        host=_words("--host -h"),
        port=_words("--port"),
        url=_words("--uri"),
        values=_words(
            "-u --username -p --password --eval --authenticationDatabase -d --db -c --collection --file"
        ),
    ),
    Client(
        names=_words("grpcurl"),
        arguments=Arguments.FIRST_HOST_PORT,
        values=_words(
            "-d -H -rpc-header -reflect-header -proto -protoset -import-path -authority -cacert -cert -key "
            "-connect-timeout -max-time -servername -format -user-agent -keepalive-time -max-msg-sz"
        ),
        elsewhere=_words("-unix"),
        long_with_one_dash=True,
    ),
    Client(
        names=_words("openssl"),
        arguments=Arguments.NONE,
        default_port=4433,
        host=_words("-host"),
        port=_words("-port"),
        url=_words("-connect"),
        values=_words(
            "-proxy -servername -CAfile -CApath -cert -key -starttls -alpn -cipher -verify -in -out -bind"
        ),
        elsewhere=_words("-unix -accept"),
        long_with_one_dash=True,
    ),
    Client(
        names=_words("kcat kafkacat"),
        arguments=Arguments.NONE,
        default_port=9092,
        url=_words("-b"),
        values=_letters("tpoDKcGXFsr"),
    ),
    Client(
        names=_words("nmap"), arguments=Arguments.HOST, port=_words("-p"), values=_words("-oN -oX -oG -T -iL")
    ),
    Client(
        names=_words("ab wrk wrk2 hey bombardier oha vegeta siege k6 autocannon"),
        arguments=Arguments.LOOSE,
        values=_LOAD,
    ),
    Client(
        names=_words("websocat wscat"),
        arguments=Arguments.LOOSE,
        url=_words("-c --connect"),
        values=_words("-H --header -x --execute --proxy -P"),
    ),
)
"""The rows. A program that is in none is searched by the rules of ``UNKNOWN``."""

UNKNOWN: Final = Client(
    names=frozenset(),
    arguments=Arguments.LOOSE,
    host=_words("--host --hostname --server-host --addr --address"),
    port=_words("-p --port"),
    default_host="localhost",
    url=_words("--url --uri --endpoint --base-url --server --target --api-url --connect"),
    values=_words(
        "-H --header --headers -d --data --data-raw --json --body --payload -x --proxy --http-proxy --https-proxy "
        "--all-proxy --socks --referer --referrer --origin --user-agent -o --output --log-file --config"
    ),
)
"""The rules for every other program."""

SILENT: Final = _words(
    "basename cat chmod chown cp cut date dd df dig dirname docker docker-compose du echo false find grep head host "
    "hostname id jq kubectl less ln ls make-dir mkdir more mv nslookup ping ping6 podman printf ps pwd rm rmdir sed "
    "seq sleep sort ss tail tar tee test touch tr traceroute true uname wc which xargs yes"
)
"""Programs whose arguments may look like targets, but which connect to none, or only in another network."""

ABROAD: Final = _words(
    "adb chroot docker docker-compose incus kubectl lxc lxc-attach machinectl multipass netns nerdctl nsenter oc "
    "podman podman-compose slogin ssh systemd-nspawn unshare vagrant wsl"
)
"""Words of commands that run others in a container, on another machine, in another namespace: names differ there."""

WRAPPERS: Final[dict[str, tuple[frozenset[str], int]]] = {
    "command": (frozenset(), 0),
    "doas": (_words("-u -C"), 0),
    "env": (_words("-u --unset -C --chdir -S --split-string"), 0),
    "exec": (_words("-a"), 0),
    "ionice": (_words("-c -n -p"), 0),
    "ltrace": (_words("-o -e -p -s -u -n"), 0),
    "nice": (_words("-n --adjustment"), 0),
    "nohup": (frozenset(), 0),
    "setsid": (frozenset(), 0),
    "stdbuf": (_words("-i -o -e --input --output --error"), 0),
    "strace": (_words("-e -o -p -s -u -P -a -E"), 0),
    "sudo": (_words("-u --user -g --group -h --host -p --prompt -C -D -R -T -r -t"), 0),
    "time": (_words("-f --format -o --output"), 0),
    "timeout": (_words("-k --kill-after -s --signal"), 1),
    "watch": (_words("-n --interval"), 0),
    "npx": (_words("-p --package -c --call"), 0),
    "uvx": (_words("--from --with --python"), 0),
}
"""Programs that run another one: their options that take a value, and how many arguments come before the other."""

SHELLS: Final = _words("sh bash dash zsh ksh ash fish busybox")

CODE_OPTIONS: Final[dict[str, frozenset[str]]] = {
    "python": _words("-c"),
    "pypy": _words("-c"),
    "node": _words("-e -p --eval --print"),
    "deno": _words("eval"),
    "bun": _words("-e --eval"),
    "ruby": _words("-e"),
    "perl": _words("-e -E"),
    "php": _words("-r"),
}
"""Interpreters, and the options after which program text follows."""

SERVERS: Final = _words("http.server uvicorn gunicorn hypercorn flask mcp SimpleHTTPServer")
"""Python modules that listen: the port they are given is their own."""

NO_TCP: Final = _words("file unix data sqlite http+unix udp about blob javascript ipc memory")
"""Schemes of URLs that name no TCP port."""

FILE_NAMES: Final = _words(
    "bash c cc cfg conf cpp cs css csv go h hpp html ini ipynb java js json jsx kt lock log lua md php pl py rb rs "
    "sh sql swift toml ts tsx txt xml yaml yml"
)
"""What a file's name ends in: ``main.go:45`` is a place in a file, not a host."""

_PROGRAM_NAME: Final = re.compile(r"[A-Za-z][\w.+-]*")
_HTTP_SERVER: Final = re.compile(r"python[\d.]*\s+-m\s+http\.server")
_VERSION: Final = re.compile(r"[\d.]+$")
_LONGEST_COMMAND: Final = 1 << 16

_PROXY_RULES: Final = {"curl": "curl", "wget": "curl", "python": "Python", "pytest": "Python", "go": "Go"}
"""A program → the client by whose rules it reads proxy variables. wget reads them in lower case, as curl does."""


def proxy_rules_of(command: Sequence[str]) -> str | None:
    """Return which of ``proxy.CLIENTS`` reads proxy variables as the first client in ``command`` does.

    What runs the client (``env``, ``sh -c``) is looked through; a server beside it does not count. ``None`` where no
    client of the table is in the command.
    """
    text = _HTTP_SERVER.sub("", " ".join(command)[:_LONGEST_COMMAND])
    words = (_VERSION.sub("", word) for word in _PROGRAM_NAME.findall(text))
    return next((_PROXY_RULES[word] for word in words if word in _PROXY_RULES), None)
