"""Diagnoses in which everything that strangers can choose is one text."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from synscope.model import (
    Attempt,
    Command,
    Cut,
    Diagnosis,
    EndProcess,
    EndProcesses,
    Evidence,
    NearMiss,
    ProcessSource,
    Source,
    Target,
    TargetDiagnosis,
)

from .samples import HEALTH, answered, diagnosis, refused, target

PIECES = (
    *(
        "`",
        "```",
        "````\n",
        "~~~",
        "\n\n",
        "\r\n",
        "# ",
        "\n# x",
        "- ",
        "1. ",
        "> ",
        "    ",
        "\t",
        "\n===\n",
        "---",
    ),
    *(
        "[a](http://x)",
        "![a](http://x/y.png)",
        "<b>",
        "<!--",
        "-->",
        "<script>",
        "<http://x.example>",
        "]]>",
        "&lt;",
    ),
    *(
        "http://x.example/",
        "www.x.example",
        "a@b.example",
        "@everyone",
        "#1",
        "x/y#2",
        "GH-3",
        ":+1:",
        "$x$",
        "|",
        "\\",
    ),
    *(
        "*a*",
        "__b__",
        "~~c~~",
        "[x]: http://x",
        "\x1b]8;;http://x\x1b\\",
        "\x00",
        "\u202e",
        "\ud800",
        "\udc80",
        "\ufffe",
    ),
    *("=1+1", "+1", "-1", "@SUM(A1)", '"', "'", ",", ";", "word", "two words", " ", "\u65e5\u672c"),
)
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.text(st.characters(), max_size=30)
)


def made_by(attempt: Attempt, text: str) -> Attempt:
    """The attempt between two processes that call themselves, their container and their unit ``text``."""
    client = EndProcess(7, text, 1000, text, text, ProcessSource.CAPTURE)
    return attempt._replace(process=EndProcesses(client, client._replace(source=ProcessSource.HOST)))


def everywhere(text: str) -> Diagnosis:
    """A failing and a healthy target, with ``text`` wherever a stranger, a file name or an argument can put it."""
    wanted = Target(text, 62893, host=text)
    bad = _spoilt(
        target(made_by(refused(), text), wanted=wanted, misses=[NearMiss("similar-port", text, 62839, (1,))]),
        text,
    )
    never = _spoilt(target(wanted=wanted, misses=[NearMiss("similar-port", text, 62839, (1,))]), text)
    well = target(answered(11), wanted=Target(text, 8080))
    health = dataclasses.replace(HEALTH, undecoded={text: 1}, notes=(text,), cut=Cut(1, 1, text), format=text)
    command = Command((text, text), 7, text, (text, text), target_from=text)
    return diagnosis(bad, never, well, capture=text, health=health)._replace(command=command)


def _spoilt(one: TargetDiagnosis, text: str) -> TargetDiagnosis:
    evidence = (Evidence(Source.PAYLOAD, text, (1, 2)), Evidence(Source.PACKETS, f"the server said {text}"))
    findings = tuple(
        item._replace(
            title=text,
            summary=f"It said {text}",
            evidence=evidence,
            against=evidence,
            unknown=(text,),
            reason=text,
            checks=tuple(check._replace(command=text, expect=text, then=text) for check in item.checks),
            fixes=(text, f"Do {text}"),
        )
        for item in one.findings
    )
    return one._replace(findings=findings)
