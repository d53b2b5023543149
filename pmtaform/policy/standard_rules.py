"""What a reply means for the queue that received it: classes, and the rules that recognise them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final


class ReplyClass(StrEnum):
    """What a reply is about. Only the first three concern the queue as a whole."""

    THROTTLE_RATE = "throttle-rate"
    THROTTLE_REPUTATION = "throttle-reputation"
    BLOCK_REPUTATION = "block-reputation"
    BLOCK_POLICY = "block-policy"
    AUTH_FAILURE = "auth-failure"
    TLS = "tls"
    CONTENT = "content"
    BAD_MAILBOX = "bad-mailbox"
    QUOTA = "quota"
    GREYLIST = "greylist"
    PROTOCOL = "protocol"
    TEMPORARY_OTHER = "temporary-other"
    CONTROL = "control"

    @property
    def slows(self) -> bool:
        """Whether slowing the queue is the right response."""
        return self in SLOWING

    @property
    def sentence(self) -> str:
        """The class in words."""
        return _SENTENCES[self]

    @property
    def scope(self) -> str | None:
        """What most replies of the class are about; None: there is no rule."""
        return _SCOPES.get(self)

    @property
    def actions(self) -> str:
        """What a rule of an `smtp-pattern-list` should do with such replies; empty: leave the queue as it is.

        `mode=backoff` alone continues at the slower rate; `defer-queue` also stops the queue first, until
        `backoff-retry-after` (docs/powermta/language.md section 10).
        """
        return _ACTIONS.get(self, "")


SLOWING: Final = (ReplyClass.THROTTLE_RATE, ReplyClass.THROTTLE_REPUTATION, ReplyClass.BLOCK_REPUTATION)
_ACTIONS: Final = {
    ReplyClass.THROTTLE_RATE: "mode=backoff",
    ReplyClass.THROTTLE_REPUTATION: "mode=backoff,defer-queue",
    ReplyClass.BLOCK_REPUTATION: "mode=backoff,defer-queue",
}
_SCOPES: Final = {
    **dict.fromkeys(SLOWING, "ip"),
    ReplyClass.AUTH_FAILURE: "domain",
    ReplyClass.TLS: "connection",
    ReplyClass.CONTENT: "message",
    ReplyClass.BAD_MAILBOX: "recipient",
    ReplyClass.QUOTA: "recipient",
    ReplyClass.GREYLIST: "message",
}
_SENTENCES: Final = {
    ReplyClass.THROTTLE_RATE: "too much at once: messages, connections or recipients",
    ReplyClass.THROTTLE_REPUTATION: "slowed because of the reputation of what was sent before",
    ReplyClass.BLOCK_REPUTATION: "refused because of the reputation of the address, network or domain",
    ReplyClass.BLOCK_POLICY: "refused by a policy of the receiver, such as one on senders or on reverse DNS",
    ReplyClass.AUTH_FAILURE: "SPF, DKIM or DMARC is missing or fails",
    ReplyClass.TLS: "encryption is required or fails",
    ReplyClass.CONTENT: "the message is refused because of its content or size",
    ReplyClass.BAD_MAILBOX: "the mailbox does not exist or is not active",
    ReplyClass.QUOTA: "the mailbox is full or over its quota",
    ReplyClass.GREYLIST: "greylisting: a later attempt is accepted",
    ReplyClass.PROTOCOL: "an error in the SMTP dialogue",
    ReplyClass.TEMPORARY_OTHER: "temporary, for another reason",
    ReplyClass.CONTROL: "accepted",
}


@dataclass(frozen=True, slots=True)
class StandardRule:
    """A pattern that recognises replies of one class. `provider`: whose replies; None: anyone's.

    `pattern` is PCRE without its slashes, searched in the whole reply without regard to case (guide 3.3.15).
    `source` is the id of a publication.
    """

    reply_class: ReplyClass
    pattern: str
    source: str
    provider: str | None = None

    def takes(self, reply: str) -> bool:
        """Whether the rule takes a reply."""
        return _compiled(self.pattern).search(reply) is not None


def standard_rules(document: Mapping[str, Any], provider: str | None) -> tuple[StandardRule, ...]:
    """The rules of `rules.toml` for a provider, in order: its own, those of its machines' owner, everyone's.

    Last are those that only explain a reply: they are of classes that slow no queue.
    """
    own = dict.fromkeys((provider, document["same-as"].get(provider)))
    return tuple(
        StandardRule(ReplyClass(kind), pattern, source, owner)
        for owner, rows in (
            *((each, document["providers"].get(each, ())) for each in own if each is not None),
            (None, document["any"]["rules"]),
            (None, document["other"]["rules"]),
        )
        for kind, pattern, source in rows
    )


def rule_that_takes(reply: str, rules: Iterable[StandardRule]) -> StandardRule | None:
    """The first of `rules` that takes a reply, or None."""
    return next((rule for rule in rules if rule.takes(reply)), None)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
