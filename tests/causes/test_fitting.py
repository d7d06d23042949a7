"""Fixes and checks fit the setting: what it asks for first, what is of another setting never."""

from __future__ import annotations

import re

import pytest

from synscope.causes import fitting
from synscope.causes.catalogue import CATALOGUE, by_slug
from synscope.causes.cause import Cause, Fix, where
from synscope.causes.rank import rank
from synscope.model import Answer, Check, Facts, Finding, Label, Setting, Transport

from .builders import facts, observe

ALWAYS = "anywhere"
LOOPBACK = Fix("on loopback", where(Transport.LOOPBACK))
REDIS = Fix("for Redis", where(protocol="redis"))
STOPPED = Fix("where it is stopped", where(sign="server-process-stopped"))
OFFERED = (LOOPBACK, ALWAYS, REDIS, STOPPED)


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        (Setting(), (ALWAYS, LOOPBACK, REDIS, STOPPED)),
        (Setting(Transport.LOOPBACK), (LOOPBACK, ALWAYS, REDIS, STOPPED)),
        (Setting(Transport.REMOTE), (ALWAYS, REDIS, STOPPED)),
        (Setting(Transport.REMOTE, "redis"), (REDIS, ALWAYS, STOPPED)),
        (Setting(protocol="http"), (ALWAYS, LOOPBACK, STOPPED)),
    ],
)
def test_order_by_setting(setting: Setting, shown: tuple[str, ...]) -> None:
    assert fitting.fixes(OFFERED, setting, {}) == shown


def test_a_sign_that_holds_brings_its_fix_to_the_front_and_one_that_is_denied_takes_it_away() -> None:
    name = "server-process-stopped"
    assert fitting.fixes(OFFERED, Setting(), {name: observe(name, Answer.YES)})[0] == STOPPED
    assert STOPPED not in fitting.fixes(OFFERED, Setting(), {name: observe(name, Answer.NO)})


def test_all_parts_of_a_setting_have_to_fit() -> None:
    both = Fix("both", where(Transport.LOOPBACK, system="linux"))
    assert fitting.fixes((both, ALWAYS), Setting(Transport.LOOPBACK, system="macos"), {}) == (ALWAYS,)
    assert fitting.fixes((ALWAYS, both), Setting(Transport.LOOPBACK, system="linux"), {}) == ("both", ALWAYS)


def test_where_nothing_fits_everything_is_offered() -> None:
    assert fitting.fixes((LOOPBACK,), Setting(Transport.POD), {}) == (LOOPBACK,)


def test_beside_a_remedy_for_the_very_error_those_of_its_kind_are_left_out() -> None:
    assert fitting.fixes(OFFERED, Setting(Transport.LOOPBACK), {}, is_named=True) == (LOOPBACK, ALWAYS)


def advice(cause: Cause, setting: Setting) -> str:
    """All that a setting makes of a cause's advice."""
    checks: tuple[Check, ...] = fitting.checks(cause.checks, setting, {})
    shown = [check.command for check in checks if not setting.system or check.os == setting.system]
    return "\n".join([*fitting.fixes(cause.fixes, setting, {}), *shown])


@pytest.mark.parametrize(
    ("setting", "foreign"),
    [
        (Setting(Transport.TUNNEL), r"-p 127\.0\.0\.1:|docker ps"),
        (Setting(Transport.CONTAINER_TO_HOST), r"ufw allow in on lo|iif lo accept|-p 127\.0\.0\.1:"),
        (Setting(protocol="redis"), r"https?://|nginx"),
        (Setting(protocol="h2c"), r"https://"),
        (Setting(system="macos"), r"\bufw\b|\bnft add\b"),
        (Setting(system="windows"), r"\bufw\b|\bnft add\b"),
    ],
    ids=lambda value: "-".join(filter(None, map(str, value))) if isinstance(value, Setting) else "",
)
@pytest.mark.parametrize(
    "slug",
    [
        *("application-error", "protocol-mismatch", "service-loading", "service-limit", "container-mapping"),
        *("firewall-drop", "firewall-reject", "redirect-elsewhere", "client-other-transport"),
    ],
)
def test_no_advice_is_of_another_setting(slug: str, setting: Setting, foreign: str) -> None:
    assert not re.search(foreign, advice(by_slug[slug], setting))


def test_a_client_with_a_socket_file_is_told_nothing_of_listeners_on_ports() -> None:
    cause = by_slug["client-other-transport"]
    assert not re.search(r"ss -l[tu]n|lsof -nP -i", advice(cause, Setting(Transport.UNIX_SOCKET)))
    assert "ss -lunp" in advice(cause, Setting(Transport.UDP))


@pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.slug)
@pytest.mark.parametrize("transport", Transport)
def test_every_setting_leaves_advice(cause: Cause, transport: Transport) -> None:
    for protocol in ("", "http", "redis", "h2c", "postgres", "ssh"):
        setting = Setting(transport, protocol)
        assert fitting.fixes(cause.fixes, setting, {})
        assert fitting.checks(cause.checks, setting, {})


def found(slug: str, setting: Setting, yes: str, **texts: str) -> Finding:
    """The finding of a cause in a setting, with the texts of some answers."""
    known = facts(Label.COMPLETED, f"some-completed {yes}")
    observations = {
        name: seen._replace(text=texts.get(name.replace("-", "_"), seen.text))
        for name, seen in known.observations.items()
    }
    findings = rank(Facts(known.summary, observations, setting))
    return next(finding for finding in findings if finding.slug == slug)


def test_a_redis_server_is_asked_in_redis() -> None:
    finding = found("application-error", Setting(protocol="redis"), "service-error")
    assert {check.command for check in finding.checks} == {"redis-cli -h 127.0.0.1 -p 62893 ping"}


def test_an_h2c_server_is_asked_in_http_2() -> None:
    finding = found("protocol-mismatch", Setting(protocol="h2c"), "other-protocol-greeting")
    assert "HTTP/2 without TLS" in finding.title
    assert "--http2-prior-knowledge" in finding.fixes[0]
    assert all("--http2-prior-knowledge" in check.command for check in finding.checks)
