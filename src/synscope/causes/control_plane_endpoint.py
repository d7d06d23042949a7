"""SYN163: the port belongs to an agent, sidecar or debug endpoint."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN163",
    slug="control-plane-endpoint",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The local agent or debug endpoint on port {port} is not available",
    summary="Port {port} seems to belong to a local agent, sidecar, admin or debug endpoint.",
    meaning=(
        "Meshes, orchestrators and debuggers keep endpoints on loopback: a sidecar's admin port, an "
        "agent's API, a debugger that waits. They are down when the agent is, when the feature is "
        "switched off (many are by default), or when they live in another network namespace than the "
        "client; otherwise they fail for the reasons of any service."
    ),
    documented_in=("B",),
    stops=(Stage.LISTENER, Stage.QUEUE, Stage.ACCEPT, Stage.SERVE),
    predicts=(usually("control-plane-api", "client-of-control-plane"),),
    decided_by="the agent's own status command, and whether the endpoint is switched on",
    checks=(
        *on_each_os(
            linux="systemctl list-units --type=service --state=running | grep -iE 'agent|envoy|consul|kube'",
            macos="launchctl list | grep -iE 'agent|proxy|envoy|consul|kube'",
            windows="Get-Service | Where-Object Name -match 'agent|proxy|envoy|consul|kube'",
            expect="the agent is missing or not running",
            then="start it, or switch its endpoint on. Running and listening: as for any service",
        ),
        *listeners("no line, or the agent inside another namespace", "the endpoint is off or elsewhere"),
    ),
    fixes=(
        "Start the agent, or switch its admin or debug endpoint on, bound to 127.0.0.1.",
        "In a pod or container, connect from the same network namespace (kubectl exec, port-forward).",
    ),
    references=(
        "https://www.envoyproxy.io/docs/envoy/latest/operations/admin",
        "https://istio.io/latest/docs/ops/deployment/application-requirements/",
        "https://nodejs.org/en/learn/getting-started/debugging",
    ),
    shows_by=(yes("control-plane-api", "client-of-control-plane", "port-usual-for-control-plane"),),
    refines=(
        "service-not-running",
        "crashed-before-bind",
        "crashed-after-bind",
        "startup-race",
        "resource-limits",
        "server-hung",
        "client-timeout-too-short",
        "application-error",
        "gateway-upstream",
    ),
    says=(
        ("http-unavailable", "It answers 503: it is not ready."),
        ("client-of-control-plane", "{observed}."),
        ("control-plane-api", "The request is one of an agent's or a control plane's API."),
        ("port-usual-for-control-plane", "Agents, sidecars or debuggers usually have this port."),
    ),
)
