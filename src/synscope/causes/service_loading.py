"""SYN155: the service says that it is still starting or loading."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, never, probing, usually, where, yes
from synscope.model import Kind, Stage

_POSTGRES = where(protocol="postgres")
_REDIS = where(protocol="redis")
_HTTP = where(protocol="http tls h2c")
_OTHERS = where(protocol="mysql mongodb kafka mqtt amqp nats text ldap iperf3")

CAUSE = Cause(
    code="SYN155",
    slug="service-loading",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The service on port {port} is still starting",
    summary="Port {port} answers already; the service behind it is not ready yet, and says so.",
    meaning=(
        "Many services listen before they can serve. A database replays its log or its archive (PostgreSQL: 'the "
        "database system is starting up', 57P03), Redis reads its data set (-LOADING), Elasticsearch and "
        "OpenSearch recover their state or set up their security index (503), a Galera node waits for its "
        "cluster, a Java application starts its modules behind a page of 503. The connection is well, and an open "
        "port is no readiness. Mostly it passes by itself; where it lasts, the service waits for something."
    ),
    documented_in=("field",),
    stops=(Stage.SERVE,),
    predicts=(
        usually("service-starting", "http-loading"),
        never("error-then-success"),
    ),
    decided_by="the words of the service's own error, and its log: what it still loads or waits for",
    checks=probing(
        "the same error, and after a while a good answer ({answer})",
        "wait until it is ready. The same for minutes: its log says what it waits for",
    ),
    fixes=(
        Fix(
            "Wait for readiness, not for the port: until pg_isready says 'accepting connections'.", _POSTGRES
        ),
        Fix("Wait for readiness, not for the port: until redis-cli ping answers PONG.", _REDIS),
        Fix("Wait for readiness, not for the port: until a health endpoint answers 200.", _HTTP),
        Fix("Wait for readiness, not for the port: until the service's own ping succeeds.", _OTHERS),
        "In Compose: a healthcheck and depends_on with condition: service_healthy; in Kubernetes: a readinessProbe.",
        "Let the client try again for as long as the start may take.",
        "If it lasts: read the service's log. It may wait for its archive, its disk, or other members.",
    ),
    references=(
        "https://www.postgresql.org/docs/current/app-pg-isready.html",
        "https://www.postgresql.org/docs/current/errcodes-appendix.html",
        "https://redis.io/docs/latest/commands/ping/",
        "https://docs.docker.com/compose/how-tos/startup-order/",
    ),
    proof=(yes("service-starting"),),
    shows_by=(yes("service-starting", "http-loading"),),
    refines=("application-error",),
    says=(("service-starting", "{observed}."), ("http-loading", "{observed}.")),
    headlines=(("service-starting", "The service on port {port} is still starting: “{quoted}”"),),
)
