"""Replies that newly make PowerMTA bounce mail instead of retrying it: `bounce-queue` and `bounce-rcpt`.

`bounce-queue` bounces everything that waits in the queue, `bounce-rcpt` the recipient that the reply was for
(`docs/powermta/`, reply actions).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reply_rules import ReplyRule, rules_of, takes
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, findings_of
from pmtaform.plan.dangers.reply_rules import sample
from pmtaform.plan.dangers.sides import Sides

_LIST: Final = "smtp-pattern-list"
_ACTIONS: Final = {"bounce-queue": "bounce all mail in the queue", "bounce-rcpt": "bounce the recipient"}
# Replies that have nothing in common: what takes all of them takes every reply.
_REPLIES: Final = ("421 try again", "450 4.2.0 busy", "451 greylisted", "452 4.5.3 too many", "554 5.7.1 blocked")


@reports(MAIL_LOST)
def bounce_rules_widened(sides: Sides) -> Iterator[DangerFinding]:
    """Replies that bounce mail after the change and did not before, for the queues that use the list."""
    yield from _of_lists(sides)
    yield from findings_of(sides, _of_queues(sides))


def _of_lists(sides: Sides) -> Iterator[DangerFinding]:
    """Lists that change, and are used by some queue on both sides."""
    if sides.are_same(_LIST):
        return
    for name in sides.before.reading.pattern_lists:
        was, now = _rules(sides.before, name), _rules(sides.after, name)
        for action, patterns, lines in _gained(was, now) if was != now else ():
            if name in _used(sides):
                cause = sides.cause_of_lines(lines)
                detail = f"Queues that use <{_LIST} {values.shown(name)}>: {_what(action, patterns)}"
                yield DangerFinding(
                    kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause, weight=_worst(patterns)
                )


def _of_queues(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    """Queues that come under another list."""
    for queue in sides.queues:
        move = queue.move(_LIST) if queue.domain else None
        if move is None:
            continue
        was, now = (
            _rules(side, _name(value)) for side, value in zip(_both(sides), (move.before, move.after), strict=True)
        )
        for action, patterns, _ in _gained(was, now):
            yield (
                queue,
                Effect(MAIL_LOST, _what(action, patterns), sides.cause(move.before, move.after), _worst(patterns)),
            )


def _both(sides: Sides) -> tuple[Effective, Effective]:
    return sides.before, sides.after


def _name(value: object) -> str:
    names = getattr(value, "values", ())
    return unquoted(names[-1].strip()) if names else ""


def _rules(effective: Effective, name: str) -> tuple[ReplyRule, ...]:
    return rules_of(effective.reading.pattern_lists.get(name, []))


def _used(sides: Sides) -> frozenset[str]:
    """The lists that some domain names after the change."""
    known = sides.memory.get("used reply lists")
    if not isinstance(known, frozenset):
        reading = sides.after.reading
        bodies = [*reading.domains]
        for owner in (*reading.virtual_mtas.values(), *reading.pools.values()):
            if owner.written is None or any(_LIST in text for text in owner.written):
                bodies += owner.domains
        lines = (line for body in bodies for line in body.lines.get(_LIST, ()))
        known = frozenset(unquoted(line.value.strip()) for line in lines)
        sides.memory["used reply lists"] = known
    return known


def _gained(was: Sequence[ReplyRule], now: Sequence[ReplyRule]) -> Iterator[tuple[str, list[str], list[SourceLine]]]:
    """The patterns of rules that bounce mail now, for replies that did not before."""
    for action in _ACTIONS:
        gained = [rule for rule in now if action in rule.actions and not _bounced(rule, action, was)]
        if gained:
            yield action, [rule.pattern for rule in gained], [rule.line for rule in gained]


def _bounced(rule: ReplyRule, action: str, was: Sequence[ReplyRule]) -> bool:
    """Whether the replies that a rule takes bounced as much before; where that is not clear, the answer is no."""
    worse = [other for other in was if action in other.actions or "bounce-queue" in other.actions]
    text = sample(rule.pattern)
    return any(other.pattern == rule.pattern or (text is not None and takes(other.pattern, text)) for other in worse)


def _what(action: str, patterns: list[str]) -> str:
    every = [pattern for pattern in patterns if takes_every_reply(pattern)]
    shown = words.several([values.shown(pattern) for pattern in patterns])
    replies = f"every reply (`{values.shown(every[0])}`) makes" if every else f"replies that match {shown} make"
    return f"{replies} PowerMTA {_ACTIONS[action]} (`{action}`)"


def _worst(patterns: list[str]) -> float:
    return 1000.0 if any(map(takes_every_reply, patterns)) else float(len(patterns))


@lru_cache(1024)
def takes_every_reply(pattern: str) -> bool:
    """Whether a pattern takes replies that have nothing in common."""
    return all(takes(pattern, reply) for reply in _REPLIES)
