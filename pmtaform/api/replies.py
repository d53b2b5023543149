"""Replies from a text or a file, what is known of them, and what configurations do with them."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pmtaform.diagnostics import Place, did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import NO_SUCH_VIRTUAL_MTA
from pmtaform.diagnostics.codes.policy import (
    NO_REPLIES,
    NO_SUCH_PROVIDER,
    REPLIES_UNREADABLE,
)
from pmtaform.errors import UsageError
from pmtaform.lang.effective import DEFAULT_VMTA
from pmtaform.policy.answers import Answering, ReplyAnswer
from pmtaform.policy.catalogue import PolicyData, library
from pmtaform.policy.configured import ConfiguredAnswer, ConfiguredReplies
from pmtaform.policy.provider_search import provider_of_domain
from pmtaform.policy.reply_changes import ReplyChange, reply_changes
from pmtaform.policy.reply_texts import SmtpReply, looks_like_reply, replies_in
from pmtaform.reading import LARGEST, read_any

if TYPE_CHECKING:
    from pmtaform.sources import LoadedConfiguration

_STDIN: Final = "-"


def read_replies(source: str, stdin: Callable[[int], bytes], most: int = LARGEST) -> Counter[SmtpReply]:
    """The replies of a text, of a file, or of standard input (`-`), counted. Raises `UsageError`.

    `stdin` reads at most that many bytes; `most`: of a file or of it.
    """
    if _is_text(source):
        text, name = source, "the text"
    else:
        text, name = _text(_content(source, stdin, most), source), source
    try:
        replies = Counter(replies_in(text))
    except csv.Error as problem:
        raise _unreadable(name, f"It is not CSV: {problem}.") from None
    if not replies:
        raise UsageError.of(NO_REPLIES, f"There is no reply of a server in {name}.")
    return replies


def _is_text(source: str) -> bool:
    """Whether an argument is a reply itself, rather than the name of a file or `-`."""
    if source == _STDIN or os.path.exists(source):  # noqa: PTH110 - Path.exists raises for a long text
        return False
    return looks_like_reply(source) or not source.strip()


def _content(source: str, stdin: Callable[[int], bytes], most: int) -> bytes:
    if source == _STDIN:
        content = stdin(most + 1)
        if len(content) > most:
            raise _unreadable(source, f"It is larger than {most // (1024 * 1024)} MB.")
        return content
    try:
        return read_any(Path(source), most)
    except (OSError, ValueError) as problem:
        reason = (problem.strerror if isinstance(problem, OSError) else None) or str(problem)
        raise _unreadable(source, f"It was not read: {reason}.") from None


def _text(content: bytes, source: str) -> str:
    if content.startswith(b"\x1f\x8b"):
        raise _unreadable(source, "It is compressed. Give it on standard input:\n    zcat FILE | pmtaform replies -")
    if b"\0" in content:
        raise _unreadable(source, "It contains NUL bytes, so it is not a text.")
    return content.decode("utf-8", "backslashreplace")


def _unreadable(source: str, detail: str) -> UsageError:
    return UsageError.of(REPLIES_UNREADABLE, detail, place=Place(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyQuestion:
    """Whose replies they are: options that hold for all of them; None: each record's own, or unknown."""

    domain: str | None = None
    provider: str | None = None
    vmta: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """One distinct reply, how often it occurs, what is known of it, and what the configuration does."""

    answer: ReplyAnswer
    count: int
    configured: ConfiguredAnswer | None


@dataclass(frozen=True, slots=True)
class ReplyReport:
    """The answers about replies, the most frequent first. `loaded`: the configuration that was consulted.

    `notes` are what a reader has to know of the queue's values.
    """

    version: str
    rows: tuple[ReplyRow, ...]
    loaded: LoadedConfiguration | None = None
    notes: tuple[str, ...] = ()


def answer_replies(
    replies: Counter[SmtpReply], question: ReplyQuestion, loaded: LoadedConfiguration | None = None
) -> ReplyReport:
    """What is known of replies, and what a configuration does with them. Raises `UsageError`."""
    asked = _Asked(library().latest, question)
    configured = _configured(loaded, question) if loaded is not None else None
    rows = []
    for reply, count in (replies if configured is not None else _without_queues(replies)).most_common():
        answer = asked.answer(reply)
        mine = configured.answer(reply, asked.queue_domain(answer), asked.vmta(reply)) if configured else None
        rows.append(ReplyRow(answer, count, mine))
    return ReplyReport(asked.data.version, tuple(rows), loaded, _notes(configured, rows))


def _without_queues(replies: Counter[SmtpReply]) -> Counter[SmtpReply]:
    """The replies counted together where only their queues differ."""
    together: Counter[SmtpReply] = Counter()
    for reply, count in replies.items():
        together[SmtpReply(reply.lines, reply.domain or reply.queue)] += count
    return together


@dataclass(frozen=True, slots=True)
class ReplyComparison:
    """Which of `count` replies change their effect between two configurations."""

    version: str
    count: int
    changes: tuple[ReplyChange, ...]
    before: LoadedConfiguration
    after: LoadedConfiguration


def compare_replies(
    replies: Counter[SmtpReply] | None,
    question: ReplyQuestion,
    before: LoadedConfiguration,
    after: LoadedConfiguration,
) -> ReplyComparison:
    """The replies whose effect differs; None: the labelled ones, of the provider or domain if one is given."""
    asked = _Asked(library().latest, question)
    answers = list(asked.labelled() if replies is None else map(asked.answer, replies))
    questions = [(answer, asked.queue_domain(answer), asked.vmta(answer.reply)) for answer in answers]
    sides = [_configured(loaded, question) for loaded in (before, after)]
    return ReplyComparison(asked.data.version, len(answers), tuple(reply_changes(questions, *sides)), before, after)


@dataclass(slots=True)
class _Asked:
    """The data, and whose replies the operator says they are."""

    data: PolicyData
    question: ReplyQuestion
    answering: Answering = field(init=False)

    def __post_init__(self) -> None:
        self.answering = Answering(self.data)
        provider = self.question.provider
        if provider is not None and provider not in self._owners():
            near = did_you_mean(provider, self._owners(), several=3) or " pmtaform providers lists them."
            raise UsageError.of(NO_SUCH_PROVIDER, f'No provider is known as "{provider}".{near}')

    def _owners(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.data.providers, *self.data.rule_owners)))

    def answer(self, reply: SmtpReply) -> ReplyAnswer:
        return self.answering.answer(reply, self.question.provider or self._by_domain(reply))

    def _by_domain(self, reply: SmtpReply) -> str | None:
        domains = (self.question.domain,) if self.question.domain else (reply.domain, reply.queue)
        known = (provider_of_domain(self.data, domain) for domain in domains if domain)
        return next((provider.id for provider in known if provider is not None), None)

    def labelled(self) -> Iterator[ReplyAnswer]:
        """The labelled replies, each by the rules of its provider."""
        wanted = self.question.provider or (self.question.domain and self._by_domain(SmtpReply(())))
        for known in self.data.replies:
            if wanted in (None, "", known.provider):
                yield self.answering.answer_known(known)

    def queue_domain(self, answer: ReplyAnswer) -> str:
        """The domain whose queue the reply is for; `*`: any that the configuration does not name."""
        reply = answer.reply
        own = self.question.domain or reply.queue or reply.domain
        provider = self.data.providers.get(answer.provider or "")
        return own or (provider.domains[0] if provider is not None and provider.domains else "*")

    def vmta(self, reply: SmtpReply) -> str:
        return self.question.vmta or reply.vmta or DEFAULT_VMTA


def _configured(loaded: LoadedConfiguration, question: ReplyQuestion) -> ConfiguredReplies:
    configured = ConfiguredReplies(loaded.configuration, loaded.defaults)
    vmta = question.vmta
    if vmta is not None and not configured.effective.knows(vmta):
        known = [*configured.effective.virtual_mtas(), *configured.effective.pools()]
        near = did_you_mean(vmta, known) or f" There are: {some_of(known)}."
        raise UsageError.of(
            NO_SUCH_VIRTUAL_MTA, f'No virtual MTA and no pool of {loaded.name} is called "{vmta}".{near}'
        )
    return configured


def _notes(configured: ConfiguredReplies | None, rows: Iterable[ReplyRow]) -> tuple[str, ...]:
    """What a reader has to know of the queue, where all replies are of one."""
    queues = {(row.configured.domain, row.configured.vmta) for row in rows if row.configured is not None}
    if configured is None or len(queues) != 1:
        return ()
    return configured.effective.settings(*queues.pop()).notes
