"""What is known of a reply: its class, the rule that takes it, and what happens to the mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pmtaform.policy.catalogue import PolicyData
from pmtaform.policy.known_replies import LabelledReply, without_variables
from pmtaform.policy.reply_texts import SmtpReply
from pmtaform.policy.standard_rules import ReplyClass, StandardRule, rule_that_takes


class Fate(StrEnum):
    """What happens to the message by the code of the reply alone."""

    ACCEPTED = "accepted"
    KEPT = "kept"
    LOST = "lost"
    UNKNOWN = "unknown"

    @property
    def sentence(self) -> str:
        """The fate in words."""
        return _FATES[self]


_FATES = {
    Fate.ACCEPTED: "accepted (2xx)",
    Fate.KEPT: "stays in the queue and is tried again (4xx)",
    Fate.LOST: "lost (5xx): PowerMTA bounces it, and slowing the queue does not bring it back",
    Fate.UNKNOWN: "unknown: the text starts with no code",
}
_THROTTLES = (ReplyClass.THROTTLE_RATE, ReplyClass.THROTTLE_REPUTATION)
_BY_DIGIT = {"2": Fate.ACCEPTED, "3": Fate.ACCEPTED, "4": Fate.KEPT, "5": Fate.LOST}


@dataclass(frozen=True, slots=True)
class ReplyAnswer:
    """What is known of one reply.

    `rule` is the standard rule that takes it, `known` the labelled reply that it repeats. `provider` is whose rules
    were consulted; None: the rules of every provider were, and `rule.provider` is then a guess by the text.
    """

    reply: SmtpReply
    provider: str | None
    rule: StandardRule | None
    known: LabelledReply | None

    @property
    def reply_class(self) -> ReplyClass | None:
        """The class: by the rule, else by the labelled reply; None: not known."""
        if self.rule is not None:
            return self.rule.reply_class
        return self.known.reply_class if self.known is not None else None

    @property
    def scope(self) -> str | None:
        """What the reply is about: the labelled reply's scope, else what replies of its class mostly are about."""
        if self.known is not None and self.known.scope not in ("unknown", "-"):
            return self.known.scope
        return self.reply_class.scope if self.reply_class is not None else None

    @property
    def fate(self) -> Fate:
        """What happens to the message."""
        return _BY_DIGIT[self.reply.code[0]] if self.reply.code else Fate.UNKNOWN

    @property
    def slows(self) -> bool | None:
        """Whether the queue should slow down: by the labelled reply, else by the class; None: either, or unknown."""
        if self.known is not None:
            return self.known.slows
        return None if self.reply_class is None else self.reply_class.slows

    @property
    def advice(self) -> str | None:
        """What a rule should do with the reply; empty: leave the queue as it is; None: not known."""
        if self.reply_class is None or (self.rule is None and self.slows is None):
            return None
        return self.reply_class.actions if self.rule is not None or self.slows else ""

    @property
    def is_lost_throttle(self) -> bool:
        """Whether a reply that means "slower" has a permanent code."""
        return self.fate is Fate.LOST and self.slows is True and self.reply_class in _THROTTLES


class Answering:
    """Answers about replies by one version of the data."""

    def __init__(self, data: PolicyData) -> None:
        self.data = data

    def answer(self, reply: SmtpReply, provider: str | None = None) -> ReplyAnswer:
        """What is known of a reply; `provider`: only its rules, and those for everyone."""
        known = self._known(reply, provider)
        rules: Iterable[StandardRule] = self._all_rules if provider is None else self.data.rules_for(provider)
        if provider is None and known is not None:
            rules = (*self.data.rules_for(known.provider), *rules)
        return ReplyAnswer(reply, provider, rule_that_takes(reply.text, rules), known)

    def answer_known(self, known: LabelledReply) -> ReplyAnswer:
        """What is known of a labelled reply, by the rules of its provider."""
        reply = SmtpReply((known.text,))
        rules = self.data.rules_for(known.provider)
        return ReplyAnswer(reply, known.provider, rule_that_takes(known.text, rules), known)

    @cached_property
    def _all_rules(self) -> tuple[StandardRule, ...]:
        """Each provider's own rules, then those for everyone."""
        rules = [rule for owner in self.data.rule_owners for rule in self.data.rules_for(owner)]
        return tuple(dict.fromkeys((*(rule for rule in rules if rule.provider), *rules)))

    def _known(self, reply: SmtpReply, provider: str | None) -> LabelledReply | None:
        candidates = self._by_text.get(without_variables(reply.text), ())
        return next((each for each in candidates if each.provider == provider), candidates[0] if candidates else None)

    @cached_property
    def _by_text(self) -> Mapping[str, tuple[LabelledReply, ...]]:
        by_text: dict[str, tuple[LabelledReply, ...]] = {}
        for each in self.data.replies:
            key = without_variables(each.text)
            by_text[key] = (*by_text.get(key, ()), each)
        return by_text
