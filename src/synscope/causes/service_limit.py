"""SYN156: a limit of the service itself turns the client away, and the service says so."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, never, on_each_os, only, seldom, usually, where, yes
from synscope.model import Kind, Stage

_HTTP = where(protocol="http tls h2c")
_SESSIONS = "redis postgres mysql mongodb memcached amqp mqtt smtp imap ldap"

CAUSE = Cause(
    code="SYN156",
    slug="service-limit",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A limit of the service on port {port} turns the client away",
    summary="The service on port {port} works, and takes no more of these connections or requests for now.",
    meaning=(
        "Services limit how many clients they serve (max_connections, maxclients, MaxStartups, 'max connections' "
        "of rsync) and how often one may ask (HTTP 429, limit_req and limit_conn of nginx, which answer 503). "
        "Some shut a client out after errors (MySQL: 'Host is blocked', OpenSSH's penalties). The service names "
        "the limit in its own protocol. What uses it up is often a pool that is too large, connections that leak, "
        "a monitor, or a loop of retries. nginx's own page of 503 also stands where 'return 503' is configured."
    ),
    documented_in=("field",),
    stops=(Stage.SERVE,),
    predicts=(
        usually("limit-named", "service-full", "gateway-asked-nobody", "client-error-limit"),
        seldom("upstream-attempt-failed", "failed-attempt-before-error"),
        never("service-starting"),
    ),
    decided_by="the limit that the service's answer or log names, and who holds its connections",
    checks=(
        *on_each_os(
            linux="ss -tn state established 'sport = :{port}' | awk 'NR>1 {sub(/:[0-9]+$/, \"\", $4); print $4}'"
            " | sort | uniq -c",
            macos="lsof -nP -iTCP:{port} -sTCP:ESTABLISHED",
            windows="Get-NetTCPConnection -LocalPort {port} -State Established | Group-Object RemoteAddress",
            expect="as many connections as the service's limit, most of them of one client",
            then="close what is not used, or raise the limit. Few: the limit counts requests, not connections",
        ),
        *only(
            _HTTP,
            on_each_os(
                linux='curl -si "http://{host}:{port}/" | grep -iE "^HTTP|retry-after|ratelimit";'
                " sudo tail -n 20 /var/log/nginx/error.log | grep limiting",
                macos='curl -si "http://{host}:{port}/" | grep -iE "^HTTP|retry-after|ratelimit";'
                " tail -n 20 /opt/homebrew/var/log/nginx/error.log | grep limiting",
                windows='curl.exe -si "http://{host}:{port}/" | Select-String "^HTTP|retry-after|ratelimit"',
                expect="429 or 503 with Retry-After, or 'limiting requests', 'limiting connections' in the log",
                then="ask less often, or raise the zone's rate and burst",
            ),
        ),
    ),
    fixes=(
        Fix(
            "nginx refused it itself: raise rate and burst of limit_req, or limit_conn; its error log names the zone."
            " The service behind it was not asked.",
            where(sign="gateway-asked-nobody", protocol="http tls h2c"),
        ),
        Fix("Ask less often: wait as long as Retry-After says, and longer after each refusal.", _HTTP),
        Fix(
            "Find who holds the connections, and close those that leak; use one pool, with a size below the limit.",
            where(sign="service-full", protocol=_SESSIONS),
        ),
        "Use fewer connections or requests at a time, or raise the limit that the service names.",
        "A limit that is too low: max_connections, maxclients, MaxStartups, limit_req's rate and burst.",
        Fix(
            "'Host is blocked': FLUSH HOSTS (TRUNCATE performance_schema.host_cache), and correct the monitor.",
            where(protocol="mysql"),
        ),
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc6585.html#section-4",
        "https://nginx.org/en/docs/http/ngx_http_limit_req_module.html",
        "https://www.postgresql.org/docs/current/runtime-config-connection.html",
        "https://dev.mysql.com/doc/refman/8.4/en/blocked-host.html",
        "https://man7.org/linux/man-pages/man5/sshd_config.5.html",
    ),
    proof=(
        yes("limit-named"),
        yes("service-full"),
    ),
    shows_by=(yes("limit-named", "service-full", "gateway-asked-nobody", "client-error-limit"),),
    refines=("application-error", "resource-limits"),
    says=(
        ("limit-named", "{observed}."),
        ("service-full", "{observed}."),
        ("client-error-limit", "The client says so itself: {observed}."),
        ("gateway-asked-nobody", "{observed}, as for a limit of its own (limit_req, limit_conn)."),
    ),
    headlines=(
        ("service-full", "The service on port {port} is full: “{quoted}”"),
        ("limit-named", "A limit of the service on port {port}: “{quoted}”"),
        ("limit-named", "{observed}"),
        (
            "gateway-asked-nobody",
            "Nginx on port {port} refused the request itself (503) and asked no other service",
        ),
    ),
)
