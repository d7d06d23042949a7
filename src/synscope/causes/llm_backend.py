"""SYN161: the port belongs to a model server."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, on_each_os, shows, yes
from synscope.causes.roles import UNDERLYING, in_role
from synscope.model import Kind, Label

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
    signatures=(
        *in_role(yes("port-usual-for-llm", "llm-api", "model-told-of")),
        shows(Label.COMPLETED, requires=yes("http-loading")),
    ),
    supports=(
        Clue("http-loading", 80, "It says itself that it is still loading."),
        Clue(
            "model-told-of",
            130,
            "It tells of a model that it loads, or could not.",
            when=yes("always-refused"),
        ),
        Clue("model-told-of", 20),
        Clue("model-failed", 80, "It says itself that the model could not be loaded.", when=yes("llm-api")),
        Clue("http-unavailable", 50, "It answers 503: it is not ready.", when=yes("llm-api")),
        Clue("llm-api", 7, "The request is one of a model server's API."),
        Clue("port-usual-for-llm", 4, "Model servers usually have this port."),
    ),
    decisive=(yes("http-loading", "llm-api"), yes("model-failed", "llm-api")),
    refines=UNDERLYING,
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
            "no line while the model loads, a line once it is ready", "wait for readiness, not for a time"
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
)
