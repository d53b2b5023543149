"""A mailbox provider as data: how to recognise it, and what it limits, answers and requires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """How sure a fact is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def sentence(self) -> str:
        """What it rests on."""
        return _SENTENCES[self]


_SENTENCES = {
    Confidence.HIGH: "the provider's own page",
    Confidence.MEDIUM: "an MTA vendor, a curated public list, or real bounces",
    Confidence.LOW: "third party, old, or memory: check it before use",
}


@dataclass(frozen=True, slots=True)
class Publication:
    """A source of facts. `kind` describes who wrote it: "provider's own page", "users"."""

    id: str
    title: str
    address: str
    date: str
    kind: str


@dataclass(frozen=True, slots=True)
class MxPattern:
    """A name of a mail exchanger as `mx-rollup-list` takes it; a leading `*.` is any labels."""

    pattern: str
    source: str
    confidence: Confidence

    def matches(self, name: str) -> bool:
        """Whether a mail exchanger has this name. `*.example.com` does not match `example.com` itself."""
        name, pattern = name.rstrip(".").lower(), self.pattern.lower()
        return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """A limit of a provider. `value` is None where the provider states that it publishes no number."""

    kind: str
    value: int | str | None
    source: str
    confidence: Confidence
    note: str = ""

    @property
    def is_published(self) -> bool:
        """Whether the number is the provider's own; others are what MTA vendors or senders chose or saw."""
        return self.value is not None and self.confidence is Confidence.HIGH


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """The shortest text that tells a case, with its code. `scope`: what the reply is about, several with `|`."""

    code: str
    token: str
    means: str
    scope: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class SenderRequirement:
    """What the provider requires of senders."""

    text: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxProvider:
    """A mailbox provider of one version of the data. `domains` is empty where only MX names tell it."""

    id: str
    version: str
    name: str
    domains: tuple[str, ...]
    domains_source: str
    mx: tuple[MxPattern, ...]
    limits: tuple[KnownLimit, ...]
    replies: tuple[ReplyToken, ...]
    requirements: tuple[SenderRequirement, ...]
    postmaster: str
    notes: str
    tls: str

    @property
    def versioned(self) -> str:
        """Its id with the version of the data: `yahoo@2026.11`."""
        return f"{self.id}@{self.version}"

    @property
    def confidence(self) -> Confidence:
        """How sure it is that mail for the provider is recognised: the best of its MX patterns, else low."""
        known = {mx.confidence for mx in self.mx}
        return next((each for each in Confidence if each in known), Confidence.LOW)
