"""What is known of replies, and what a configuration does with them, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pmtaform.policy.answers import Fate, ReplyAnswer
from pmtaform.policy.configured import ConfiguredAnswer
from pmtaform.policy.model import Publication
from pmtaform.report.style import Style, columns, counted, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.replies import ReplyReport, ReplyRow
    from pmtaform.sources import LoadedConfiguration

MOST_IN_FULL: Final = 10  # replies; more are counted
MOST_LISTED: Final = 20
_LABEL: Final = 12
_SCOPES: Final = {
    "ip": "the queue, by its sending address",
    "network": "the queue, by the network of its sending address",
    "connection": "this connection, or the number of connections",
    "domain": "the sender's domain",
    "sender": "one sender",
    "recipient": "one recipient",
    "message": "this message",
}


@dataclass(frozen=True, slots=True)
class ReplyTable:
    """Answers about replies: each in full where they are few, else counts and the replies to look at."""

    report: ReplyReport
    publications: Mapping[str, Publication]
    every: bool = False

    def text(self, screen: Screen) -> str:
        """The answers, and what has to be known of the configuration's."""
        style = Style(screen.colour)
        rows = self.report.rows
        lines = list(self._in_full(screen, style) if len(rows) <= MOST_IN_FULL else self._counted(screen, style))
        lines += _notes(self.report, screen)
        return "\n".join(lines).rstrip("\n") + "\n"

    def _in_full(self, screen: Screen, style: Style) -> Iterator[str]:
        for row in self.report.rows:
            times = f" ({row.count} times)" if row.count > 1 else ""
            for line in row.answer.reply.lines:
                yield from (style(each, "bold") for each in wrapped(line + times, screen.width, ""))
                times = ""
            for label, text in (*self._facts(row.answer), *_configured(row.configured, self.report.loaded)):
                yield from _labelled(label, text, screen, style)
            yield ""

    def _facts(self, answer: ReplyAnswer) -> Iterator[tuple[str, str]]:
        yield "class", _class(answer)
        if answer.scope is not None:
            yield "about", _SCOPES.get(answer.scope, answer.scope)
        yield "rule", self._rule(answer)
        if answer.rule is None and answer.known is not None:
            yield "known as", f"labelled reply {answer.known.id} {self._source(answer.known.source)}"
        yield "mail", answer.fate.sentence
        yield "advice", _advice(answer)

    def _rule(self, answer: ReplyAnswer) -> str:
        if answer.rule is None:
            return "no standard rule takes it"
        owner = f"of {answer.rule.provider}" if answer.rule.provider else "for every provider"
        guess = ", found by the text alone" if answer.rule.provider and answer.provider is None else ""
        return f"/{answer.rule.pattern}/ {owner}{guess} {self._source(answer.rule.source)}"

    def _source(self, name: str) -> str:
        known = self.publications.get(name)
        return f"[{name}: {known.title}]" if known is not None else f"[{name}]"

    def _counted(self, screen: Screen, style: Style) -> Iterator[str]:
        rows = self.report.rows
        total = sum(row.count for row in rows)
        texts = len({row.answer.reply.text for row in rows})
        yield style(f"{counted(total, 'reply', 'replies')}, {texts} of them different", "bold")
        yield from self._classes()
        unknown = [row for row in rows if row.answer.reply_class is None and row.answer.fate is not Fate.ACCEPTED]
        yield from self._listed("No rule takes, and no labelled reply is the same:", unknown, screen, style)
        lost = [row for row in rows if row.answer.is_lost_throttle]
        yield from self._listed("Mail is lost though the reply means slower (5xx):", lost, screen, style)
        if self.report.loaded is not None:
            yield from self._effects()
            for title, chosen in _at_odds(rows):
                yield from self._listed(title, chosen, screen, style)

    def _classes(self) -> Iterator[str]:
        counts, lost = Counter[str](), Counter[str]()
        texts: dict[str, set[str]] = {}
        for row in self.report.rows:
            name = _class_name(row.answer)
            counts[name] += row.count
            lost[name] += row.count if row.answer.fate is Fate.LOST else 0
            texts.setdefault(name, set()).add(row.answer.reply.text)
        cells = ((name, str(count), str(len(texts[name])), str(lost[name])) for name, count in counts.most_common())
        yield from columns([("CLASS", "REPLIES", "DIFFERENT", "LOST"), *cells])
        yield ""

    def _effects(self) -> Iterator[str]:
        counts: Counter[str] = Counter()
        for row in self.report.rows:
            if row.configured is not None:
                counts[", ".join(row.configured.actions) or "no rule of the configuration"] += row.count
        yield from columns([("THE CONFIGURATION DOES", "REPLIES"), *((n, str(c)) for n, c in counts.most_common())])
        yield ""

    def _listed(self, title: str, rows: Sequence[ReplyRow], screen: Screen, style: Style) -> Iterator[str]:
        if not rows:
            return
        yield style(title, "bold")
        counts: Counter[str] = Counter()
        for row in rows:
            counts[row.answer.reply.text] += row.count
        shown = counts.most_common(None if self.every else MOST_LISTED)
        for text, count in shown:
            first, *rest = wrapped(text, screen.width, " " * 9)
            yield f"  {count:5}  {first.lstrip()}"
            yield from rest
        if len(shown) < len(counts):
            yield f"         and {len(counts) - len(shown)} more; --all shows them"
        yield ""

    def json(self) -> str:
        """A document of kind `pmtaform-replies`."""
        where = self.report.loaded.where if self.report.loaded is not None else None
        rows = [reply_data(row.answer, row.count, row.configured, where) for row in self.report.rows]
        fields = {"version": self.report.version, "replies": rows, "notes": self.report.notes}
        return json_document("pmtaform-replies", fields)


def _advice(answer: ReplyAnswer) -> str:
    if answer.advice is None:
        return "none: it is not known whether the queue should slow down"
    return f"{answer.advice}: slow the queue down" if answer.advice else "leave the queue as it is"


def _class_name(answer: ReplyAnswer) -> str:
    if answer.reply_class is not None:
        return answer.reply_class
    return "accepted" if answer.fate is Fate.ACCEPTED else "unknown"


def _class(answer: ReplyAnswer) -> str:
    if answer.reply_class is None:
        return _class_name(answer)
    return f"{answer.reply_class}: {answer.reply_class.sentence}"


def _configured(answer: ConfiguredAnswer | None, loaded: LoadedConfiguration | None) -> Iterator[tuple[str, str]]:
    """What the configuration does, and by which lines."""
    if answer is None or loaded is None:
        return
    queue = f"{answer.domain}/{answer.vmta}"
    if answer.list_name is None:
        yield "queue", f"{queue}: no smtp-pattern-list holds for it, so no reply changes its mode"
    elif not answer.is_defined:
        yield "queue", f"{queue}: its smtp-pattern-list {answer.list_name} is not defined in what was read"
    elif not answer.rules:
        yield "queue", f"{queue}: no rule of its smtp-pattern-list {answer.list_name} takes it"
    else:
        yield "queue", f"{queue}: {', '.join(answer.actions)}, by its smtp-pattern-list {answer.list_name}"
    for rule in answer.rules:
        yield "", f"reply {rule.line.value}  {loaded.where(rule.line.place)}"
    if answer.rules:
        yield "mail then", _fate(answer)
    if answer.category is not None:
        place = loaded.where(answer.category.line.place)
        yield "category", f"{answer.category.category}, by {answer.category.pattern}  {place}"
    else:
        yield "category", "no bounce category pattern takes it"


def _fate(answer: ConfiguredAnswer) -> str:
    return {Fate.LOST: "bounced", Fate.KEPT: "stays in the queue"}.get(answer.fate, answer.fate.sentence)


def _at_odds(rows: Iterable[ReplyRow]) -> Iterator[tuple[str, list[ReplyRow]]]:
    """The replies for which the configuration does not do what their class needs."""
    known = [row for row in rows if row.configured is not None and row.answer.reply_class is not None]
    slowed = [(row, "mode=backoff" in row.configured.actions) for row in known if row.configured]
    yield "Should slow the queue, and do not:", [r for r, slows in slowed if r.answer.slows is True and not slows]
    yield "Slow the queue, and should not:", [r for r, slows in slowed if r.answer.slows is False and slows]


def _notes(report: ReplyReport, screen: Screen) -> Iterator[str]:
    """What the answers about the configuration rest on."""
    if report.loaded is None:
        return
    yield "To know:"
    for note in notes_on((row.configured for row in report.rows), report.loaded.where):
        yield from _hanging(note, screen.width)
    for note in report.notes:
        yield from _hanging(note, screen.width)


def notes_on(answers: Iterable[ConfiguredAnswer | None], where: Callable[[Any], str]) -> Iterator[str]:
    """What answers about a configuration rest on."""
    known = [answer for answer in answers if answer is not None]
    yield (
        "Patterns are read by Python in place of PCRE, on the reply as it is. That the actions of several rules add "
        "up is not documented; they are assumed to, the first of conflicting ones first."
    )
    lines = dict.fromkeys(where(line.place) for answer in known for line in answer.unread)
    if lines:
        places = ", ".join(list(lines)[:4]) + (" ..." if len(lines) > 4 else "")
        yield f"{counted(len(lines), 'pattern')} that only PCRE can read may take a reply, too: {places}."
    if any(answer.rules and answer.fate is Fate.ACCEPTED for answer in known):
        yield "Whether PowerMTA looks at successful replies (2xx) at all is not documented."
    if any(answer.depends_on_joining for answer in known):
        yield (
            "How PowerMTA joins the lines of a reply is not documented. For a reply here the answer depends on it: "
            "joined by blanks is shown, joined by line ends a rule gives another answer."
        )


def _hanging(text: str, width: int) -> list[str]:
    first, *rest = wrapped(text, width, "    ")
    return [f"  - {first.lstrip()}", *rest]


def _labelled(label: str, text: str, screen: Screen, style: Style) -> list[str]:
    lines = wrapped(text, screen.width, " " * (_LABEL + 2)) or [""]
    lines[0] = "  " + style(f"{label:{_LABEL}}", "dim") + lines[0].lstrip()
    return lines


def reply_data(
    answer: ReplyAnswer,
    count: int,
    configured: ConfiguredAnswer | None = None,
    where: Callable[[Any], str] | None = None,
) -> dict[str, Any]:
    """One answer as JSON data."""
    rule, known = answer.rule, answer.known
    return {
        "text": answer.reply.text,
        "lines": answer.reply.lines,
        "count": count,
        "provider": answer.provider,
        "class": answer.reply_class,
        "about": answer.scope,
        "rule": rule and {"pattern": rule.pattern, "provider": rule.provider, "source": rule.source},
        "known": known and {"id": known.id, "source": known.source},
        "mail": answer.fate,
        "advice": answer.advice,
        "configured": configured_data(configured, where) if configured is not None and where is not None else None,
    }


def configured_data(answer: ConfiguredAnswer, where: Callable[[Any], str]) -> dict[str, Any]:
    """What a configuration does with a reply, as JSON data."""
    category = answer.category
    return {
        "domain": answer.domain,
        "virtual_mta": answer.vmta,
        "list": answer.list_name,
        "defined": answer.is_defined,
        "actions": answer.actions,
        "rules": [{"pattern": r.pattern, "actions": r.actions, "place": where(r.line.place)} for r in answer.rules],
        "category": category and {"name": category.category, "place": where(category.line.place)},
        "mail": answer.fate,
        "unread": [where(line.place) for line in answer.unread],
        "depends_on_joining": answer.depends_on_joining,
    }
