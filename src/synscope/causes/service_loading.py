"""SYN155: the service says that it is still starting or loading."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, usually, yes
from synscope.model import Kind, Stage

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
        usually("service-starting"),
        never("error-then-success"),
    ),
    decided_by="the words of the service's own error, and its log: what it still loads or waits for",
    checks=on_each_os(
        linux="for i in 1 2 3; do pg_isready -h {address} -p {port} || redis-cli -h {address} -p {port} ping"
        ' || curl -s "http://{host}:{port}/" | head -3; sleep 5; done',
        macos="for i in 1 2 3; do pg_isready -h {address} -p {port} || redis-cli -h {address} -p {port} ping"
        ' || curl -s "http://{host}:{port}/" | head -3; sleep 5; done',
        windows='1..3 | ForEach-Object {curl.exe -s "http://{host}:{port}/"; Start-Sleep 5}',
        expect="'rejecting connections', LOADING or the same page of 503, and after a while a good answer",
        then="wait until it is ready. The same for minutes: its log says what it waits for",
    ),
    fixes=(
        "Wait for readiness, not for the port: pg_isready, redis-cli ping, a health endpoint that answers 200.",
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
    shows_by=(yes("service-starting"),),
    refines=("application-error",),
    says=(("service-starting", "{observed}."),),
)
