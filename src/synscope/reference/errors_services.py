"""Errors that services say in their own words after a completed handshake: rows of the error table.

Input: nothing. Output: ``SERVICE_ERRORS``. Each row is one reason for which a service turns a client away, with what
to do about just that one. The words are those of the services' own sources and manuals; each row names its own.
"""

from __future__ import annotations

from typing import Final

from synscope.reference import sources
from synscope.reference.error_meaning import GAP, ErrorMeaning

__all__ = ["SERVICE_ERRORS", "named_in"]

_REDIS_SECURITY: Final = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/"
_REDIS_REPLICATION: Final = "https://redis.io/docs/latest/operate/oss_and_stack/management/replication/"
_REDIS_CLIENTS: Final = "https://redis.io/docs/latest/develop/reference/clients/"
_POSTGRES_HBA: Final = "https://www.postgresql.org/docs/current/auth-pg-hba-conf.html"
_POSTGRES_CODES: Final = "https://www.postgresql.org/docs/current/errcodes-appendix.html"
_POSTGRES_LIMITS: Final = "https://www.postgresql.org/docs/current/runtime-config-connection.html"
_MYSQL_ACCESS: Final = "https://dev.mysql.com/doc/refman/8.4/en/problems-connecting.html"
_MYSQL_LIMITS: Final = "https://dev.mysql.com/doc/refman/8.4/en/too-many-connections.html"
_MYSQL_BLOCKED: Final = "https://dev.mysql.com/doc/refman/8.4/en/blocked-host.html"
_SSHD: Final = "https://man.openbsd.org/sshd_config"
_MQTT: Final = "https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html"
_AMQP: Final = "https://www.rabbitmq.com/docs/access-control"
_SMTP: Final = "https://www.postfix.org/SMTPD_ACCESS_README.html"
_LDAP: Final = "https://www.rfc-editor.org/rfc/rfc4511.html#appendix-A"
_RSYNC: Final = "https://download.samba.org/pub/rsync/rsyncd.conf.5"

_LONGEST_TEXT: Final = 2_000
_ANSWERED: Final = "A completed handshake; the server's last word is this error."
_COMPLETED: Final = ("completed",)
_SAYS_NO: Final = ("application-error",)
_LIMITS: Final = ("service-limit", "application-error", "resource-limits")
_LOADS: Final = ("service-loading", "startup-race", "application-error")


def _row(
    name: str, *spellings: str, meaning: str, remedy: str, causes: tuple[str, ...], source: str
) -> ErrorMeaning:
    return ErrorMeaning(
        name=name,
        spellings=spellings,
        meaning=meaning,
        on_the_wire=_ANSWERED,
        labels=_COMPLETED,
        cause_slugs=causes,
        references=(source,),
        remedy=remedy,
    )


SERVICE_ERRORS: tuple[ErrorMeaning, ...] = (
    _row(
        "Redis protected mode",
        "Redis is running in protected mode",
        "DENIED Redis",
        meaning="Redis has no password, so it serves its own machine only; this client comes from elsewhere.",
        remedy="Set a password (requirepass, or an ACL user) and give it to the client. Only in a closed network:"
        " protected-mode no.",
        causes=_SAYS_NO,
        source=_REDIS_SECURITY,
    ),
    _row(
        "Redis authentication",
        "NOAUTH Authentication required",
        "WRONGPASS invalid username-password pair",
        "ERR invalid password",
        "ERR AUTH <password> called without any password",
        "NOPERM this user has no permissions",
        meaning="Redis wants a user and a password that the client did not give, or not these.",
        remedy="Give the client the password: redis-cli -a, or redis://USER:PASSWORD@HOST:PORT. ACL WHOAMI and ACL"
        " LIST show users and rights.",
        causes=_SAYS_NO,
        source=_REDIS_SECURITY,
    ),
    _row(
        "Redis loading",
        "LOADING Redis is loading the dataset in memory",
        "Redis is loading the dataset",
        "LOADING Valkey is loading",
        meaning="Redis listens already and still reads its data from disk; it takes no command before it has them.",
        remedy="Wait until redis-cli ping answers PONG; INFO persistence shows loading_eta_seconds.",
        causes=_LOADS,
        source="https://redis.io/docs/latest/commands/info/",
    ),
    _row(
        "Redis read-only replica",
        "READONLY You can't write against a read only replica",
        "You can't write against a read only",
        "MASTERDOWN Link with MASTER is down",
        meaning="The client came to a replica, and asks for what only the primary does, or serves while it is there.",
        remedy="Connect to the primary: redis-cli role names it. With Sentinel or a cluster, use a client that"
        " follows them.",
        causes=_SAYS_NO,
        source=_REDIS_REPLICATION,
    ),
    _row(
        "Redis maxclients",
        "max number of clients reached",
        "max number of clients + cluster connections reached",
        meaning="Redis serves as many clients as maxclients allows, and closes every further connection.",
        remedy="redis-cli client list shows who holds them. Close what leaks, or raise maxclients and the limit of"
        " open files.",
        causes=_LIMITS,
        source=_REDIS_CLIENTS,
    ),
    _row(
        "PostgreSQL pg_hba.conf",
        "no pg_hba.conf entry for",
        "pg_hba.conf rejects connection",
        meaning="PostgreSQL listens there, and no line of its pg_hba.conf admits this host, user and database.",
        remedy="Add a line for the client's address: host DATABASE USER ADDRESS/32 scram-sha-256; then select"
        " pg_reload_conf().",
        causes=_SAYS_NO,
        source=_POSTGRES_HBA,
    ),
    _row(
        "PostgreSQL authentication",
        "password authentication failed for user",
        "Peer authentication failed for user",
        "Ident authentication failed for user",
        "28P01",
        meaning="PostgreSQL does not accept this user with this password, or not by this way.",
        remedy="Check user and password; in a container, the password is that of the volume's first start. Peer and"
        " ident want another method in pg_hba.conf.",
        causes=_SAYS_NO,
        source=_POSTGRES_CODES,
    ),
    _row(
        "PostgreSQL connection limit",
        "sorry, too many clients already",
        "remaining connection slots are reserved",
        "too many connections for role",
        "too many connections for database",
        meaning="PostgreSQL serves as many connections as its limit allows.",
        remedy="select pid, client_addr, state from pg_stat_activity shows who holds them. Close idle ones, use a"
        " pool (pgbouncer), or raise max_connections.",
        causes=_LIMITS,
        source=_POSTGRES_LIMITS,
    ),
    _row(
        "PostgreSQL starting",
        "the database system is starting up",
        "the database system is in recovery mode",
        "the database system is not yet accepting connections",
        "57P03",
        meaning="PostgreSQL listens already and is not ready: it replays its log.",
        remedy="Wait until pg_isready says 'accepting connections'; its log says how far it is.",
        causes=_LOADS,
        source=_POSTGRES_CODES,
    ),
    _row(
        "unknown database",
        "database … does not exist",
        "role … does not exist",
        "Unknown database",
        meaning="The server has no database or user of this name: perhaps it is another instance.",
        remedy="List what it has (psql -l, show databases), and compare the port with that of your instance.",
        causes=("application-error", "wrong-port", "port-conflict"),
        source=_POSTGRES_CODES,
    ),
    _row(
        "MySQL host not allowed",
        "is not allowed to connect to this MySQL server",
        "is not allowed to connect to this MariaDB server",
        meaning="MySQL has no user who may come from this client's address.",
        remedy="Make one: create user 'NAME'@'ADDRESS' identified by …; grant … Through Docker, the address is the"
        " bridge's (172.17.0.1).",
        causes=_SAYS_NO,
        source=_MYSQL_ACCESS,
    ),
    _row(
        "MySQL authentication",
        "Access denied for user",
        meaning="MySQL does not accept this user with this password from this address.",
        remedy="The message names user@address as MySQL sees them: compare with select user, host from mysql.user.",
        causes=_SAYS_NO,
        source=_MYSQL_ACCESS,
    ),
    _row(
        "MySQL connection limit",
        "1040 Too many connections",
        "ERROR 1040",
        "has exceeded the 'max_user_connections' resource",
        "already has more than 'max_user_connections' active connections",
        meaning="MySQL serves as many connections as its limit allows.",
        remedy="show processlist names who holds them. Close idle ones, make pools smaller, or raise"
        " max_connections.",
        causes=_LIMITS,
        source=_MYSQL_LIMITS,
    ),
    _row(
        "MySQL host blocked",
        "is blocked because of many connection errors",
        meaning="Too many connections from this address ended in the handshake, and MySQL refuses it since.",
        remedy="mysqladmin flush-hosts; then let the monitor or balancer that only opens the port log in, or stop"
        " it.",
        causes=_LIMITS,
        source=_MYSQL_BLOCKED,
    ),
    _row(
        "sshd MaxStartups",
        "Exceeded MaxStartups",
        meaning="sshd has as many connections that did not log in yet as MaxStartups allows, and drops new ones.",
        remedy="Find who opens them: ss -tn state established 'sport = :ssh'. Block guessers, let clients share one"
        " connection (ControlMaster), or raise MaxStartups.",
        causes=_LIMITS,
        source=_SSHD,
    ),
    _row(
        "sshd penalty",
        "Not allowed at this time",
        meaning="sshd keeps this address out for a while, for earlier connections of it failed.",
        remedy="Wait, and correct what failed (keys, names, scanners); PerSourcePenalties and its exempt"
        " list set it.",
        causes=_LIMITS,
        source=_SSHD,
    ),
    _row(
        "ssh forwarding failed",
        "open failed: administratively prohibited",
        "cannot listen to port",
        "Could not request local forwarding",
        "remote port forwarding failed for listen port",
        meaning="ssh cannot listen at the tunnel's port, or the far end may not connect to where it leads.",
        remedy="Listening: another program has the port, so choose another in -L or -R. Prohibited: sshd's"
        " AllowTcpForwarding and PermitOpen.",
        causes=("container-mapping", "port-conflict"),
        source="https://man.openbsd.org/ssh#L",
    ),
    _row(
        "host name not allowed",
        "Invalid Host",
        "Invalid host header",
        "Invalid HTTP_HOST header",
        "Blocked host:",
        "421 Misdirected Request",
        "Blocked request. This host",
        "DisallowedHost",
        meaning="The server knows no such name in the Host header, and refuses the request whatever its path.",
        remedy="Add the name that the client uses to the service's list of hosts, or ask by a name that is in it"
        " (localhost).",
        causes=("host-refused", "application-error"),
        source=f"{sources.RFC_9110}#section-7.2",
    ),
    _row(
        "AirPlay receiver",
        "AirTunes",
        meaning="The AirPlay receiver of macOS has the port, and answers every request with 403.",
        remedy="Give the service another port, or switch the receiver off (System Settings, General, AirDrop &"
        " Handoff).",
        causes=("application-error", "port-conflict"),
        source="https://support.apple.com/guide/mac-help/mchl15c9e4b5/mac",
    ),
    _row(
        "SMTP relay denied",
        "Relay access denied",
        "relaying denied",
        "554 5.7.1",
        "550 5.7.1",
        meaning="The mail server takes no mail for this recipient from this client.",
        remedy="Log in (SASL) on port 587, or add the client's network to mynetworks.",
        causes=_SAYS_NO,
        source=_SMTP,
    ),
    _row(
        "MQTT not authorised",
        "CONNACK, reason 0x05",
        "CONNACK, reason 0x04",
        "CONNACK, reason 0x86",
        "CONNACK, reason 0x87",
        "Connection Refused: not authori",
        "Connection Refused: bad user name or password",
        meaning="The MQTT broker wants a user and a password that the client did not give, or not these.",
        remedy="Give user and password (-u, -P). Mosquitto 2 takes strangers only with allow_anonymous true.",
        causes=_SAYS_NO,
        source=_MQTT,
    ),
    _row(
        "AMQP access refused",
        "ACCESS_REFUSED",
        "NOT_ALLOWED - ",
        "connection.close 403",
        "connection.close 530",
        meaning="The AMQP broker does not accept this user, password or virtual host.",
        remedy="RabbitMQ's guest may come from localhost only: add a user, and give it rights on the virtual host.",
        causes=_SAYS_NO,
        source=_AMQP,
    ),
    _row(
        "LDAP bind refused",
        "Invalid credentials (49)",
        "49 invalidCredentials",
        "LDAP: error code 49",
        "LDAP Result Code 49",
        "ldap_bind: Invalid credentials",
        "Invalid DN syntax (34)",
        "Inappropriate authentication (48)",
        "48 inappropriateAuthentication",
        meaning="The directory does not accept this name (DN) with this password.",
        remedy="Try both with ldapwhoami -x -D DN -W. Active Directory adds a code: data 52e is the password, 525 the"
        " name, 775 a locked account.",
        causes=_SAYS_NO,
        source=_LDAP,
    ),
    _row(
        "LDAP wants more",
        "Confidentiality required (13)",
        "13 confidentialityRequired",
        "Strong(er) authentication required (8)",
        "8 strongerAuthRequired",
        "LDAP: error code 8",
        "LDAP: error code 13",
        meaning="The directory takes passwords only over TLS, or only with a stronger way to log in.",
        remedy="Use StartTLS (-ZZ) or ldaps:// on port 636, with a certificate that the client trusts.",
        causes=_SAYS_NO,
        source=_LDAP,
    ),
    _row(
        "LDAP unwilling or without rights",
        "Server is unwilling to perform (53)",
        "53 unwillingToPerform",
        "Insufficient access (50)",
        "50 insufficientAccessRights",
        "LDAP: error code 53",
        "LDAP: error code 50",
        meaning="The directory understands the request and does not allow it: by its rules, or for this user.",
        remedy="Its diagnostic message and log say which rule: anonymous binds, a read-only copy, the access list.",
        causes=_SAYS_NO,
        source=_LDAP,
    ),
    _row(
        "service busy",
        "the server is busy running a test",
        "the server is busy",
        "server busy, please try again",
        "server is at capacity",
        "service is at capacity",
        "maximum pending requests exceeded",
        "too many concurrent requests",
        "too many concurrent connections",
        "no more connections available",
        "connection limit exceeded",
        meaning="The service works, and serves as many clients or requests as it takes at a time.",
        remedy="Find who uses it: ss -tnp state established 'sport = :PORT'. End what is left over, wait, or raise"
        " the service's limit.",
        causes=_LIMITS,
        source=f"{sources.RFC_9110}#section-15.6.4",
    ),
    _row(
        "rsync daemon",
        "@ERROR: Unknown module",
        "@ERROR: auth failed on module",
        "@ERROR: max connections",
        "@ERROR: access denied to",
        meaning="The rsync daemon turns the client away: by module, password, address or number of clients.",
        remedy="rsync rsync://HOST:PORT/ lists the modules; secrets file, hosts allow and max connections are in"
        " rsyncd.conf.",
        causes=("application-error", "service-limit"),
        source=_RSYNC,
    ),
)


def named_in(text: str) -> tuple[ErrorMeaning, ...]:
    """Return the rows that a text names, the one with the longest spelling first; quick, for it needs no pattern."""
    words = " ".join(text[:_LONGEST_TEXT].lower().split())
    found = [(longest, row) for row in SERVICE_ERRORS if (longest := _longest_in(words, row))]
    return tuple(row for _, row in sorted(found, key=lambda each: -each[0]))


def _longest_in(words: str, row: ErrorMeaning) -> int:
    """Return how long the longest spelling of a row is that is among the words, 0 for none."""
    spellings = ([part.strip().lower() for part in spelling.split(GAP)] for spelling in row.spellings)
    return max(
        (sum(map(len, parts)) for parts in spellings if all(part in words for part in parts)), default=0
    )
