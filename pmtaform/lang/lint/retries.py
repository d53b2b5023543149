"""Retries, bounces and the time to send data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.lint.backoff import first_interval
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.rates import rate_text
from pmtaform.lang.lint.reads import BLOCK, Reads, with_more_connections

_SEND_TIMEOUT: Final = 180


@Rule(
    code="short-retry",
    severity=WARNING,
    family=Family.RATES,
    summary="Retries within a minute",
    explanation="A site that rejects mail gets attempt after attempt.",
    basis="seen in published configurations",
    reads=BLOCK,
    wrong="""
        <domain *>
          retry-after 1s
        </domain>
    """,
    right="""
        <domain *>
          retry-after 10m
        </domain>
    """,
)
def short_retry(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("retry-after", "backoff-retry-after"):
        seconds = first_interval(line)
        if line.within is not None and line.within.key.startswith("{"):
            continue  # a queue inside PowerMTA, no site
        if seconds is not None and seconds < 60:
            detail = (
                f"A site that refuses mail is tried again after {values.shown(line.value.split(',')[0])}. Receivers "
                "block addresses that retry so fast. Minutes to hours are usual. The defaults are 10m, and 1h in "
                "back-off."
            )
            yield at(line, detail)


@Rule(
    code="retry-after-bounce",
    severity=WARNING,
    family=Family.RATES,
    summary="Mail bounces before its first retry",
    explanation="Every temporary rejection becomes a bounce.",
    basis="inferred from guide 3.3.10, retry-after and bounce-after",
    reads=BLOCK,
    wrong="""
        <domain *>
          retry-after 5d
          bounce-after 4d
        </domain>
    """,
    right="""
        <domain *>
          retry-after 1h
          bounce-after 4d
        </domain>
    """,
)
def retry_after_bounce(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("retry-after", "backoff-retry-after") if facts.by_name.get("bounce-after") else ():
        other = line.within.last("bounce-after") if line.within is not None else None
        seconds = first_interval(line)
        limit = values.parse_duration(other.value.strip('"')) if other is not None else None
        if other is not None and seconds is not None and limit is not None and seconds >= limit > 0:
            detail = (
                f"The first retry comes after {values.shown(line.value.split(',')[0])}, and mail bounces after "
                f"{values.shown(other.value)}: it is tried once. Retry sooner, or bounce later."
            )
            yield at(line, detail, related=(other.place,))


@Rule(
    code="limit-above-total",
    severity=INFO,
    family=Family.RATES,
    summary="Limit above the total",
    explanation="max-smtp-out is per queue in a domain and the total in a virtual MTA: the smaller one decides.",
    basis="guide 3.3.10, 3.3.12",
    reads=(Reads(at=("max-smtp-out", "max-msg-rate"), others=("total-max-smtp-out",), which=with_more_connections),),
    wrong="""
        <virtual-mta mta-a>
          max-smtp-out 5
          <domain *>
            max-smtp-out 10
          </domain>
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          max-smtp-out 10
          <domain *>
            max-smtp-out 5
          </domain>
        </virtual-mta>
    """,
)
def limit_above_total(facts: Facts) -> Iterator[Hit]:
    """A limit of one queue above the limit of the virtual MTA that the queue belongs to."""
    total = facts.setting("total-max-smtp-out")
    for line in facts.named("max-smtp-out"):
        if line.scope != "domain" or line.within is None:
            continue
        owner = line.within.within
        above = owner.last("max-smtp-out") if owner is not None else None
        for other in (above, total):
            if other is not None and _int(line) > _int(other) > 0:
                yield _beyond(line, other)
                break
    for line in facts.named("max-msg-rate"):
        owner = line.within.within if line.within is not None else None
        other = owner.last("max-smtp-msg-rate") if owner is not None else None
        if other is not None:
            factor = values.faster_by(values.parse_rate(rate_text(other)), values.parse_rate(rate_text(line)))
            if factor is not None and 1 < factor < float("inf"):
                yield _beyond(line, other)


def _beyond(line: Line, other: Line) -> Hit:
    where = other.within.title if other.within is not None else "the whole server"
    detail = (
        f"{line.name} {values.shown(line.value)} for one queue can never be reached: {where} has {other.name} "
        f"{values.shown(other.value)} in total."
    )
    return at(line, detail, related=(other.place,))


def _int(line: Line) -> int:
    text = line.value.strip('"')
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


# Server-wide limits, and what the guide advises not to exceed.
_ADVISED: Final = {"total-max-smtp-out": 7500, "total-max-smtp-in": 100}


@Rule(
    code="total-above-advice",
    severity=WARNING,
    family=Family.RATES,
    summary="Server-wide limit above the guide's advice",
    explanation="More connections than the machine can serve slow down all of them.",
    basis="guide 3.3.1.1, 3.3.1.2",
    reads=BLOCK,
    wrong="total-max-smtp-in 101",
    right="total-max-smtp-in 100",
)
def total_above_advice(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(*_ADVISED):
        most = _ADVISED[line.name]
        if line.scope == GLOBAL and _int(line) > most:
            detail = f"The guide advises against more than {most:,} for {line.name}; here it is {_int(line):,}."
            yield at(line, detail)


@Rule(
    code="short-send-timeout",
    severity=INFO,
    family=Family.RATES,
    summary="Time to send data below the RFC's minimum",
    explanation="PowerMTA gives up on a slow receiver, and sends the message again.",
    basis="guide 3.3.10.66; RFC 5321 section 4.5.3.2.5",
    reads=BLOCK,
    wrong="""
        <domain *>
          data-send-timeout 2m
        </domain>
    """,
    right="""
        <domain *>
          data-send-timeout 3m
        </domain>
    """,
)
def short_send_timeout(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("data-send-timeout"):
        seconds = values.parse_duration(line.value.strip('"'))
        if seconds is not None and seconds < _SEND_TIMEOUT:
            yield at(line, "RFC 5321 requires at least 3m, which is also the default. Set 3m or more.")
