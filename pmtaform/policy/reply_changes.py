"""Which replies change their effect between two configurations: what a deliverability engineer reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pmtaform.policy.answers import Fate, ReplyAnswer
from pmtaform.policy.configured import ConfiguredAnswer, ConfiguredReplies


@dataclass(frozen=True, slots=True)
class ReplyChange:
    """A reply, and what one queue does because of it before and after."""

    answer: ReplyAnswer
    before: ConfiguredAnswer
    after: ConfiguredAnswer

    @property
    def is_worse(self) -> bool:
        """Whether the queue did right before and does wrong after, or mail is lost that was kept before."""
        loses = self.before.fate is not Fate.LOST and self.after.fate is Fate.LOST
        return loses or (_is_right(self.answer, self.before) is True and _is_right(self.answer, self.after) is False)

    @property
    def is_better(self) -> bool:
        """Whether the queue does right after and did not before."""
        right = [_is_right(self.answer, each) for each in (self.before, self.after)]
        return not self.is_worse and right == [False, True]


def reply_changes(
    questions: Iterable[tuple[ReplyAnswer, str, str]], before: ConfiguredReplies, after: ConfiguredReplies
) -> Iterator[ReplyChange]:
    """The replies whose effect differs, in the order given; each question is an answer, a domain and a virtual MTA."""
    for answer, domain, vmta in questions:
        was, will = (side.answer(answer.reply, domain, vmta) for side in (before, after))
        if _effect(was) != _effect(will):
            yield ReplyChange(answer, was, will)


def _is_right(reply: ReplyAnswer, configured: ConfiguredAnswer) -> bool | None:
    """Whether the queue slows down exactly if it should; None: either is right, or it is not known."""
    return None if reply.slows is None else ("mode=backoff" in configured.actions) is reply.slows


def _effect(answer: ConfiguredAnswer) -> tuple[frozenset[str], str | None]:
    """What a reply does, without the lines that it comes from."""
    return frozenset(answer.actions), answer.category.category if answer.category else None
