"""SYN161: the port belongs to a model server."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN161",
    slug="llm-backend",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The model server on port {port} is not ready",
    summary="Port {port} seems to be a model server's, which failed to load or is still loading.",
    meaning=(
        "A model server (Ollama, vLLM, llama.cpp, TGI, an LLM gateway's backend) fails as any service does, "
        "with reasons of its own: it loads for minutes before it listens or while it answers 503, it ends "
        "when memory of the machine or the GPU does not suffice, and it is slow when others use the GPU."
    ),
    documented_in=("A",),
    stops=(Stage.LISTENER, Stage.QUEUE, Stage.ACCEPT, Stage.SERVE),
    predicts=(usually("http-loading", "model-failed", "model-told-of"), usually("llm-api")),
    decided_by="the model server's log: 'loading', 'out of memory', or the line that reports listening",
    checks=(
        *on_each_os(
            linux="nvidia-smi; free -h; journalctl --since -30min --no-pager"
            " | grep -iE 'out of memory|oom|loading|cuda|failed to load'",
            macos="memory_pressure | tail -3; ollama ps; tail -n 30 ~/.ollama/logs/server.log",
            windows='nvidia-smi; Get-Content "$env:LOCALAPPDATA\\Ollama\\server.log" -Tail 30',
            expect="a model that is loading or failed to, memory that is used up",
            then="wait until it is ready, or choose a smaller model. Nothing of the kind: as for any service",
        ),
        *listeners(
            "no line while the model loads, a line once it is ready",
            "wait for readiness, not for a time",
        ),
    ),
    fixes=(
        "Wait for readiness: ask its health endpoint (/health, /api/tags, /v1/models) until it answers 200.",
        "Out of memory: a smaller or more quantised model, a shorter context, fewer other users of the GPU.",
        "Give the client a time limit that fits the loading time.",
    ),
    references=(
        "https://docs.ollama.com/troubleshooting",
        "https://docs.vllm.ai/en/latest/usage/troubleshooting.html",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    ),
    proof=(yes("http-loading", "llm-api"), yes("model-failed", "llm-api")),
    shows_by=(yes("llm-api", "model-told-of", "port-usual-for-llm", "http-loading"),),
    refines=(
        "service-not-running",
        "crashed-before-bind",
        "crashed-after-bind",
        "startup-race",
        "resource-limits",
        "server-hung",
        "client-timeout-too-short",
        "application-error",
        "service-loading",
        "gateway-upstream",
    ),
    says=(
        ("model-told-of", "It tells of a model that it loads, or could not."),
        ("http-loading", "{observed}."),
        ("model-failed", "It says itself that the model could not be loaded."),
        ("http-unavailable", "It answers 503: it is not ready."),
        ("llm-api", "The request is one of a model server's API."),
        ("port-usual-for-llm", "Model servers usually have this port."),
    ),
)
