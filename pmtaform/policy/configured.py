"""What a configuration does with a reply: the rules of its pattern list, and its bounce categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang.effective import DEFAULT_VMTA, Effective, SourceLine
from pmtaform.lang.effective.reading import Nodes
from pmtaform.lang.effective.reply_rules import ReplyRule, compiled, rules_of, takes
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive
from pmtaform.lang.values.text import unquoted
from pmtaform.policy.answers import Fate
from pmtaform.policy.reply_texts import SmtpReply

_LIST: Final = "smtp-pattern-list"
_CATEGORIES: Final = "bounce-category-patterns"
_OPPOSITE: Final = {
    "mode=backoff": "mode=normal",
    "mode=normal": "mode=backoff",
    "skip-mx": "bounce-queue",
    "bounce-queue": "skip-mx",
}


@dataclass(frozen=True, slots=True)
class CategoryPattern:
    """A line of `bounce-category-patterns`; an empty pattern, `//`, matches every text."""

    pattern: str
    category: str
    line: SourceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredAnswer:
    """What a configuration does with one reply in one queue.

    `list_name` is None where no list holds for the queue; `is_defined` is False where the configuration has no list
    of that name. `unread` are rules that only PCRE can judge. `depends_on_joining`: the answer differs with how
    PowerMTA joins the lines of the reply, which is not documented.
    """

    domain: str
    vmta: str
    list_name: str | None
    is_defined: bool
    rules: tuple[ReplyRule, ...]
    unread: tuple[SourceLine, ...]
    category: CategoryPattern | None
    depends_on_joining: bool
    fate: Fate

    @property
    def actions(self) -> tuple[str, ...]:
        """What the queue does: every matching rule counts, and of conflicting actions the first (guide 3.3.15)."""
        return actions_of(self.rules)


def actions_of(rules: Iterable[ReplyRule]) -> tuple[str, ...]:
    """The actions of matching rules together, without those that an earlier one excludes."""
    actions: dict[str, None] = {}
    for rule in rules:
        for action in rule.actions:
            if _OPPOSITE.get(action) not in actions:
                actions.setdefault(action)
    return tuple(actions)


class ConfiguredReplies:
    """The rules for replies of one configuration, each list read once."""

    def __init__(self, configuration: Configuration, defaults: Configuration | None = None) -> None:
        self._configuration = configuration
        self.effective = Effective(configuration, defaults)
        self._lists: dict[str, tuple[ReplyRule, ...]] = {}
        self._names: dict[tuple[str, str], str | None] = {}
        self._unread_of: dict[str | None, tuple[SourceLine, ...]] = {}

    def answer(self, reply: SmtpReply, domain: str, vmta: str = DEFAULT_VMTA) -> ConfiguredAnswer:
        """What happens to a reply in the queue `domain/vmta`, or in the one that `queue-to` names."""
        name = self._list_name(domain, vmta)
        rules = self._rules(name) if name is not None else ()
        answers = [self._matching(rules, text) for text in reply.forms]
        categories = [self._category(text) for text in reply.forms]
        return ConfiguredAnswer(
            domain=domain,
            vmta=vmta,
            list_name=name,
            is_defined=name is None or name in self.effective.reading.pattern_lists,
            rules=answers[0],
            unread=self._unread(name),
            category=categories[0],
            depends_on_joining=len(set(answers)) > 1 or len(set(categories)) > 1,
            fate=_fate(reply, actions_of(answers[0])),
        )

    @cached_property
    def patterns(self) -> tuple[CategoryPattern, ...]:
        """The bounce categories in order; those of config-defaults only where the configuration has none."""
        nodes = self.effective.reading.sections.get(_CATEGORIES, [])
        own = [each for each in nodes if each.configuration is self._configuration]
        return tuple(pattern for each in own or nodes for pattern in _patterns(each))

    def _list_name(self, domain: str, vmta: str) -> str | None:
        if (domain, vmta) not in self._names:
            queue = self.effective.queue_to(domain, vmta) or domain
            named = self.effective.settings(queue, vmta).values[_LIST].values
            self._names[domain, vmta] = unquoted(named[0]) if named else None
        return self._names[domain, vmta]

    def _unread(self, name: str | None) -> tuple[SourceLine, ...]:
        """The rules of a list, and the bounce categories, that only PCRE can judge."""
        if name not in self._unread_of:
            rules = self._rules(name) if name is not None else ()
            patterns = [*((each.pattern, each.line) for each in rules), *((e.pattern, e.line) for e in self.patterns)]
            self._unread_of[name] = tuple(line for pattern, line in patterns if compiled(pattern) is None)
        return self._unread_of[name]

    def _rules(self, name: str) -> tuple[ReplyRule, ...]:
        if name not in self._lists:
            self._lists[name] = rules_of(self.effective.reading.pattern_lists.get(name, []))
        return self._lists[name]

    def _matching(self, rules: Iterable[ReplyRule], text: str) -> tuple[ReplyRule, ...]:
        return tuple(rule for rule in rules if takes(rule.pattern, text))

    def _category(self, text: str) -> CategoryPattern | None:
        return next((each for each in self.patterns if takes(each.pattern, text)), None)


def _patterns(nodes: Nodes) -> Iterator[CategoryPattern]:
    """The lines of one section; the category is what follows the last slash."""
    for tree, node in nodes.walk():
        if isinstance(node, Directive) and node.name.startswith("/"):
            text = f"{node.name} {node.value}"
            end = text.rfind("/")
            if end > 0:
                line = SourceLine(_CATEGORIES, text, node.line, "", tree)
                yield CategoryPattern(text[: end + 1], unquoted(text[end + 1 :].strip()), line)


def _fate(reply: SmtpReply, actions: Iterable[str]) -> Fate:
    """What happens to the message: `skip-mx` keeps it even after a 5xx, the bouncing actions lose it after a 4xx."""
    chosen = {action.partition("=")[0] for action in actions}
    if reply.code is None:
        return Fate.UNKNOWN
    if reply.code[0] in "23":
        return Fate.ACCEPTED
    if chosen & {"bounce-queue", "bounce-rcpt"}:
        return Fate.LOST
    return Fate.KEPT if reply.code[0] == "4" or "skip-mx" in chosen else Fate.LOST
