"""The selectors of a stack's keys by their history alone, for commands that read neither hosts nor DNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pmtaform.dkim.observation import KeyFacts
from pmtaform.dkim.status import key_status
from pmtaform.model.rotation import KeyHistory
from pmtaform.stack import Stack
from pmtaform.stack.rotations import RotatedKey
from pmtaform.state import RotationStore


def with_selectors(stack: Stack, keys: Mapping[str, RotatedKey], file: RotationStore) -> Stack:
    """The stack with the selectors that its rotated keys have by their history alone."""
    histories = file.load()
    moment = max((at for history in histories.values() for at in _times(history)), default=None)
    if moment is None:
        return stack
    selectors = {}
    for name, key in keys.items():
        history = histories.get(name, KeyHistory())
        facts = KeyFacts(hosts=key.hosts, kept=frozenset(life.selector for life in history.lives))
        selectors[name] = key_status(name, key.rotation, history, facts, moment).wanted
    return replace(stack, selectors=selectors)


def _times(history: KeyHistory) -> Iterator[datetime]:
    for life in history.lives:
        yield from (at for at in (life.generated, life.signed, life.stopped, life.removed) if at is not None)
