"""Replies that a person has read and given a class, and how to recognise one again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.policy.standard_rules import ReplyClass

_VARIABLE: Final = (
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"[^\s<>]+@[^\s<>]+"), "<address>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}\b"), "<ip>"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class LabelledReply:
    """A real reply with the class that a person gave it.

    `slows`: whether the queue should slow down; None where either is right. `scope`: what the reply is about, `ip`,
    `connection`, `domain`, `sender`, `recipient`, `message` or `unknown`.
    """

    id: str
    text: str
    provider: str
    reply_class: ReplyClass
    scope: str
    slows: bool | None
    source: str


def labelled(row: Mapping[str, str]) -> LabelledReply:
    """A row of `replies.tsv`."""
    return LabelledReply(
        id=row["id"],
        text=row["text"],
        provider=row["provider"],
        reply_class=ReplyClass(row["class"]),
        scope=row["scope"],
        slows={"yes": True, "no": False}.get(row["backoff"]),
        source=row["source"],
    )


def without_variables(text: str) -> str:
    """A reply without the addresses and links that differ each time; equal results are the same reply."""
    text = text.lower()
    for pattern, name in _VARIABLE:
        text = pattern.sub(name, text)
    return text.strip(" .")
