"""What the owner of a port is, by its name: a forwarder, a gateway, or a server of one protocol.

Input: the name of a process as the kernel has it (at most 15 characters), or of a product in HTTP. Output: tables.
A name proves little (anybody may choose it), but who serves a port under it is rarely somebody else. Sources: the
programs' manuals; the names as Linux shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LONGEST_NAME: Final = 15
"""Characters of a process's name that Linux keeps (proc(5), comm)."""


def _names(text: str) -> frozenset[str]:
    return frozenset(name[:LONGEST_NAME] for name in text.split())


FORWARDERS: Final = _names(
    "docker-proxy rootlessport rootlesskit slirp4netns pasta pasta.avx2 passt passt.avx2 gvproxy vpnkit limactl"
    " com.docker.backend com.docker.vpnkit wslrelay wslrelay.exe"
)
"""They publish ports of containers and virtual machines; where to, their command line need not say."""

TUNNELS: Final = _names(
    "ssh autossh kubectl oc chisel frpc frps ngrok cloudflared gost wstunnel iproxy cloud_sql_proxy cloud-sql-proxy"
    " session-manager-plugin tsh"
)
"""They take connections at a local port and pass them on through a connection of their own to another machine."""

RELAYS: Final = _names("socat rinetd redir simpleproxy tcpproxy websockify")
"""They make a connection of their own for each that they take, here or on another machine."""

BALANCERS: Final = _names(
    "haproxy envoy traefik varnishd cache-main linkerd2-proxy stunnel stunnel4 hitch pound"
    " pgbouncer pgcat odyssey proxysql maxscale mysqlrouter nutcracker"
)
"""They answer nothing themselves but for an upstream."""

WEB_SERVERS: Final = _names("nginx openresty angie caddy apache2 httpd lighttpd h2o")
"""They may serve files themselves, or pass requests on."""

GATEWAY_PRODUCTS: Final = frozenset(
    {
        *("nginx", "openresty", "tengine", "angie", "haproxy", "envoy", "traefik", "caddy"),
        *("kong", "apisix", "varnish", "squid", "lighttpd", "awselb", "cloudflare", "cloudfront"),
    }
)
"""Names by which what passes requests on calls itself in HTTP's Server header (RFC 9110 §10.2.4)."""

PORT_OWNERS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "mysqld": (3306, 33060),
        "mariadbd": (3306,),
        "postgres": (5432,),
        "postmaster": (5432,),
        "pgbouncer": (6432,),
        "redis-server": (6379, 16379, 26379),
        "redis-sentinel": (26379,),
        "valkey-server": (6379, 16379, 26379),
        "keydb-server": (6379,),
        "memcached": (11211,),
        "mongod": (27017, 27018, 27019),
        "mongos": (27017,),
        "supervisord": (9001,),
        "php-fpm": (9000,),
        "dockerd": (2375, 2376),
        "containerd": (1338,),
        "podman": (8080,),
        "cupsd": (631,),
        "clamd": (3310,),
        "spamd": (783,),
        "rspamd": (11332, 11333, 11334),
        "opendkim": (8891,),
        "rpcbind": (111,),
        "rsyslogd": (514,),
        "syslog-ng": (514, 601),
        "snmpd": (161, 705),
        "named": (53, 953),
        "unbound": (53, 8953),
        "dnsmasq": (53,),
        "coredns": (53, 9153),
        "chronyd": (123, 323),
        "ntpd": (123,),
        "telegraf": (8094, 8125),
        "statsd": (8125, 8126),
        "statsd_exporter": (9102, 9125),
        "collectd": (25826,),
        "nginx": (80, 443),
        "apache2": (80, 443),
        "httpd": (80, 443),
        "caddy": (80, 443, 2019),
        "haproxy": (80, 443),
        "lighttpd": (80, 443),
        "gunicorn": (8000,),
        "uwsgi": (3031, 8000),
        "puma": (3000, 9292),
        "unicorn": (8080,),
        "sshd": (22,),
        "dropbear": (22,),
        "vsftpd": (21,),
        "mosquitto": (1883, 8883),
        "slapd": (389, 636),
        "etcd": (2379, 2380),
        "consul": (8500, 8600),
        "vault": (8200,),
        "nats-server": (4222,),
        "prometheus": (9090,),
        "grafana": (3000,),
        "ollama": (11434,),
        "minio": (9000, 9001),
        "mpd": (6600,),
        "pulseaudio": (4713,),
        "tor": (9050, 9051),
        "privoxy": (8118,),
        "squid": (3128,),
        "influxd": (8086,),
        "rabbitmq-server": (5672, 15672),
        "Xvfb": (6000,),
        "Xorg": (6000,),
        "Xvnc": (5900, 5901),
    }
)
"""A server's name → the ports at which its clients look for it, by its documentation. Several of these can be told
to serve a Unix socket alone, or speak UDP besides. Interpreters (node, python3, java) are anybody's."""

CONTROL_PLANE_CLIENTS: Final = _names(
    "kubectl oc helm k9s flux argocd istioctl linkerd cilium kubeadm velero etcdctl nomad crictl calicoctl talosctl"
    " dapr"
)
"""They speak to an agent or a control plane, and to nothing else."""

SERVERS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "redis-server": frozenset({"Redis", "TLS"}),
        "valkey-server": frozenset({"Redis", "TLS"}),
        "keydb-server": frozenset({"Redis", "TLS"}),
        "postgres": frozenset({"PostgreSQL", "TLS"}),
        "mysqld": frozenset({"MySQL"}),
        "mariadbd": frozenset({"MySQL"}),
        "mongod": frozenset({"MongoDB", "TLS"}),
        "mongos": frozenset({"MongoDB", "TLS"}),
        "memcached": frozenset({"memcached", "TLS"}),
        "sshd": frozenset({"SSH"}),
        "dropbear": frozenset({"SSH"}),
        "vsftpd": frozenset({"SMTP or FTP", "TLS"}),
        "Xvnc": frozenset({"VNC"}),
        "xrdp": frozenset({"RDP"}),
        "dnsmasq": frozenset({"DNS over TCP"}),
        "hitch": frozenset({"TLS"}),
        "stud": frozenset({"TLS"}),
        "ghostunnel": frozenset({"TLS"}),
        "gdbserver": frozenset({"GDB's remote protocol"}),
        "rsync": frozenset({"rsync"}),
        "smbd": frozenset({"SMB"}),
        "rpcbind": frozenset({"RPC"}),
        "slapd": frozenset({"LDAP", "TLS"}),
        "distccd": frozenset({"distcc"}),
        "x11vnc": frozenset({"VNC", "TLS"}),
        "proftpd": frozenset({"SMTP or FTP", "TLS"}),
        "pure-ftpd": frozenset({"SMTP or FTP", "TLS"}),
        "exim4": frozenset({"SMTP or FTP", "TLS"}),
        "dovecot": frozenset({"IMAP", "POP3", "TLS", "SMTP or FTP"}),
        "nats-server": frozenset({"NATS", "TLS", "HTTP/1", "HTTP/2", "MQTT"}),
    }
)
"""A server's name → the protocols it takes, as ``payload`` calls their families. Those that also speak HTTP
(RabbitMQ, Mosquitto with websockets) or whatever is loaded into them (Erlang, Java) are not here."""
