"""Which virtual MTA a message gets (docs/powermta/language.md section 7; guide 3.3.12, 3.3.14, 8).

The first that is given counts: the merge variable, the header (if it is processed), the source's pattern list,
default-virtual-mta, `{default}`. Where the guide is silent, or a rule requests what is not known of the message, all
that may come out is kept: one name is an answer, several are "not certain".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.clients import ClientSettings
from pmtaform.lang.effective.model import DEFAULT_VMTA, SourceLine, Value
from pmtaform.lang.effective.rule_lists import Message, Rules
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.values.text import unquoted

BY_ADDRESS: Final = "by-smtp-source-ip"


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """One thing that may choose: what it is, what comes of it in words, and the line behind it."""

    name: str
    text: str
    line: SourceLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a message goes.

    `choices` are the virtual MTAs or pools that it may get; one: that is certain. `members` are those of a pool, in
    turn. `rejected`: the choice does not exist, and the message is not accepted. `doubts` say why there are several.
    """

    steps: tuple[RoutingStep, ...]
    choices: tuple[str, ...]
    members: tuple[str, ...] = ()
    rejected: bool = False
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Whether the answer is certain."""
        return len(self.choices) == 1 and not self.doubts


@dataclass(slots=True)
class _Search:
    """The steps taken so far. `found`: what is chosen; a None in it: nothing yet, the next step counts."""

    steps: list[RoutingStep] = field(default_factory=list)
    choices: set[str] = field(default_factory=set)
    doubts: list[str] = field(default_factory=list)
    list_doubts: list[str] = field(default_factory=list)  # none, where all ways lead to one virtual MTA
    is_over: bool = False

    def take(self, name: str, text: str, choice: str | None, line: SourceLine | None = None) -> None:
        self.steps.append(RoutingStep(name, text, line))
        if choice is not None:
            self.choices.add(choice)
            self.is_over = True


def route(effective: Effective, settings: ClientSettings, message: Message) -> Route:
    """Where a message of a client goes."""
    search = _Search()
    for step in (_by_merge_variable, _by_header, _by_pattern_list, _by_default):
        if not search.is_over:
            step(effective, settings.values, message, search)
    choices = tuple(sorted(search.choices))
    doubts = search.doubts if len(choices) == 1 else [*search.list_doubts, *search.doubts]
    made = Route(steps=tuple(search.steps), choices=choices, doubts=tuple(doubts))
    return made if len(choices) != 1 else _arrival(effective, settings.values, message, made)


def _by_merge_variable(_: Effective, __: Mapping[str, Value], message: Message, search: _Search) -> None:
    if message.merge_variable is not None:
        search.take("*vmta merge variable", message.merge_variable, message.merge_variable)


def _by_header(_: Effective, settings: Mapping[str, Value], message: Message, search: _Search) -> None:
    given = message.virtual_mta_header
    if given is None:
        return
    value = settings["process-x-virtual-mta"]
    line = value.lines[0] if value.lines else None
    if not _is_true(value):
        search.take("X-Virtual-MTA", f"{given} (not read: process-x-virtual-mta is {value.text})", None, line)
    elif given:
        search.take("X-Virtual-MTA", given, given, line)
    elif _is_true(settings["allow-empty-x-virtual-mta"]):
        search.take("X-Virtual-MTA", "empty, which means {default}", DEFAULT_VMTA, line)
    else:
        search.doubts.append("What an empty X-Virtual-MTA does without allow-empty-x-virtual-mta is not documented.")
        search.take("X-Virtual-MTA", "empty", None, line)


def _by_pattern_list(effective: Effective, settings: Mapping[str, Value], message: Message, search: _Search) -> None:
    value = settings["pattern-list"]
    if not value.values:
        return
    name = unquoted(value.values[0])
    rules = Rules(effective.reading, message)
    outcomes = rules.outcomes(name)
    search.list_doubts += rules.doubts
    if len(outcomes) > 1:
        text = f"{name}: several rules may decide"
    else:
        text = f"{name}: {rules.last}" if rules.last else f"{name}: no rule matches"
    search.take("pattern-list", text, None, rules.line or value.lines[0])
    search.choices |= {outcome for outcome in outcomes if outcome is not None}
    search.is_over = None not in outcomes


def _by_default(_: Effective, settings: Mapping[str, Value], __: Message, search: _Search) -> None:
    value = settings["default-virtual-mta"]
    if not value.values:
        search.take("default-virtual-mta", "not set", DEFAULT_VMTA)
        return
    name = unquoted(value.values[0])
    if name == BY_ADDRESS:
        search.doubts.append("by-smtp-source-ip chooses by an address that is not evaluated here.")
    search.take("default-virtual-mta", name, name, value.lines[0])


# -- what becomes of the choice ------------------------------------------------------------------------------------


def _arrival(effective: Effective, settings: Mapping[str, Value], message: Message, made: Route) -> Route:
    name = made.choices[0]
    reading = effective.reading
    if name in reading.pools and name not in reading.virtual_mtas:
        return _with(effective, message, made, _members(effective, name))
    if effective.knows(name) or name == BY_ADDRESS:
        return _with(effective, message, made, ())
    if _is_true(settings["reject-invalid-virtual-mta"]):
        note = f"No virtual MTA and no pool is called {name}: the message is rejected (5.5.0)."
        return replace(made, rejected=True, notes=(note,))
    fallback = reading.lines.get("invalid-virtual-mta-fallback", ())
    if not fallback:
        doubt = f"No virtual MTA is called {name}, it is not rejected, and there is no invalid-virtual-mta-fallback."
        return replace(made, doubts=(*made.doubts, f"{doubt} The result is not documented."))
    other = unquoted(fallback[-1].value)
    step = RoutingStep("invalid-virtual-mta-fallback", other, fallback[-1])
    again = replace(made, choices=(other,), steps=(*made.steps, step))
    if effective.knows(other):
        return _with(effective, message, again, ())
    return replace(again, doubts=(*made.doubts, f"No virtual MTA is called {other}, either."))


def _members(effective: Effective, pool: str) -> tuple[str, ...]:
    lines = (line for lines in effective.reading.pools[pool].lines for line in lines if line.name == "virtual-mta")
    return tuple(dict.fromkeys(unquoted(line.value) for line in lines))


def _with(effective: Effective, message: Message, made: Route, members: tuple[str, ...]) -> Route:
    notes = tuple(dict.fromkeys(_queue_notes(effective, message, members or made.choices)))
    return replace(made, members=members, notes=notes)


def _queue_notes(effective: Effective, message: Message, vmtas: tuple[str, ...]) -> Iterator[str]:
    """What else may lead the message away: warm-up, queue-to, reroutes."""
    domain = message.recipient_domain
    for vmta in vmtas if domain else ():
        settings = effective.settings(domain, vmta)
        cold = settings.virtual_mta.get("cold-virtual-mta")
        if cold is not None and cold.values:
            limit = settings.values["max-cold-virtual-mta-msg"]
            yield f"Of its messages for {domain}, {limit.text} go to {cold.text} first, the cold virtual MTA of {vmta}."
        for name in ("queue-to", "reroute-to-virtual-mta"):
            if settings.values[name].values:
                yield f"{name} {settings.values[name].text} then moves mail of {settings.queue}."


def _is_true(value: Value) -> bool:
    return bool(value.values) and values.parse_bool(value.values[0]) is True
