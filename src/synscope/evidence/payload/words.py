"""What services say of themselves, whatever their protocol: that they are still starting, that a limit is reached.

Input: the text of an error, chosen by a stranger. The words are those of the programs: PostgreSQL, Redis, MySQL,
Elasticsearch, OpenSearch, Solr, Kibana, Jenkins, GitLab, SonarQube, Loki, Keycloak; for limits also OpenSSH, rsync,
Dovecot, Postfix, RabbitMQ, NATS, memcached, iperf3, Ollama, OpenLDAP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

_OF_STARTING: Final = (
    *("load", "start", "init", "warm", "boot", "recover", "ready", "accept"),
    *("prepared", "available", "estimated_time"),
)
_OF_LIMITS: Final = (
    *("limit", "many", "max", "remaining", "throttl", "allowed", "quota"),
    *("blocked", "full", "rejected", "busy", "capacity", "overload", "slots", "available"),
)
"""One of these is in each text that the forms below recognise: most texts need no form."""


@cache
def _starting_form() -> re.Pattern[str]:
    return re.compile(
        r"(?:\bis|\bare|\bstill|\bcurrently|\bbusy) (?:being )?"
        r"(?:loading|loaded|starting|started up|initiali[sz]ing|initiali[sz]ed|warming up|booting|recovering)\b"
        r"|\b(?:starting up|warming up|in recovery mode|getting ready to work|waiting for \w+ to (?:boot|start)\b)"
        r"|\bnot (?:yet )?(?:been )?(?:initiali[sz]ed|accepting connections|recovered)\b"
        r"|\bnot (?:yet (?:ready|prepared|started|available)|(?:ready|started|available) yet)\b|\bnot ready: waiting"
        r"|\b(?:service|server|database|index|dataset|model)[^.\n]{0,60}"
        r"\b(?:loading|starting|initiali[sz]ing|not (?:yet )?ready)\b"
        r"|\b(?:loading|initiali[sz]ing)[^.\n]{0,30}\b(?:model|weights|dataset|index|core)\b"
        r"|^loading |estimated_time"
        r"""|["']?(?:status|state)["']?\s*[:=]\s*["']?(?:starting|initiali[sz]ing|loading|warming)""",
        re.IGNORECASE,
    )


@cache
def _ended_form() -> re.Pattern[str]:
    """Return what says that it does not come up: an error in starting, an end."""
    return re.compile(
        r"shutting down|\bfail(?:ed|ure|s)?\b|could not|cannot (?:start|load)|\bunable to", re.IGNORECASE
    )


@cache
def _full_form() -> re.Pattern[str]:
    """Return how a service says that it has no room for one more client."""
    return re.compile(
        r"max(?:imum)? (?:number of )?(?:clients|connections)\b"
        r"|too many (?:\w+ )?(?:clients|connections|users|sessions|sockets)|remaining connection slots"
        r"|max_user_connections|max_connections|connection limit|too many concurrent|exceeded maxstartups"
        r"|(?:server|service|host|instance|broker|directory) (?:is |was )?(?:currently |too |temporarily )?busy\b"
        r"|^51 busy\b|\b(?:at|over|reached) (?:full |its |max(?:imum)? )*capacity\b"
        r"|(?:server|service) (?:is )?(?:at capacity|full\b|overloaded)"
        r"|no (?:more |free |available )+(?:connections?|slots?|sessions?)\b",
        re.IGNORECASE,
    )


@cache
def _limit_form() -> re.Pattern[str]:
    """Return how it says that a limit of another kind is reached."""
    return re.compile(
        r"rate.?limit|too many (?:requests|connection errors|login|failed|authentication)|throttl(?:ed|ing)"
        r"|not allowed at this time|quota (?:is |was )?(?:exceeded|reached)|(?:limit|quota) (?:is |was |has been )?"
        r"(?:reached|exceeded)|is blocked because of|queue is full|max_connect_errors|rejected.execution"
        r"|too ?many ?requests|pending requests exceeded",
        re.IGNORECASE,
    )


def speaks_of_starting(text: str) -> bool:
    """Whether an error says that the service is not ready yet and will be."""
    return (
        _has_one_of(_OF_STARTING, text)
        and bool(_starting_form().search(text))
        and not _ended_form().search(text)
    )


def speaks_of_room(text: str) -> bool:
    """Whether an error says that there is no room for one more client."""
    return _has_one_of(_OF_LIMITS, text) and bool(_full_form().search(text))


def speaks_of_limit(text: str) -> bool:
    """Whether an error says that a limit of the service is reached."""
    return speaks_of_room(text) or (_has_one_of(_OF_LIMITS, text) and bool(_limit_form().search(text)))


def _has_one_of(stems: Iterable[str], text: str) -> bool:
    plain = text.lower()
    return any(stem in plain for stem in stems)
