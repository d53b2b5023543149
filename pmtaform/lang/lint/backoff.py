"""Back-off that never starts, never ends, or makes things worse."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.domains import Applies, users_of_lists
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, few
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads

_BY_LOSS: Final = "backoff-upon-all-sources-disabled"
_ENDS: Final = ("backoff-to-normal-after", "backoff-to-normal-after-delivery")
_ENABLED: Final = "reenable-source-ip-after"


def _with(facts: Facts, *names: str) -> Iterator[Part]:
    """The domains with one of these directives."""
    return (part for part in facts.holders(*names) if part.tag == "domain")


def _backs_off(part: Part) -> bool:
    return any("mode=backoff" in line.value for line in part.named("reply"))


def _returns(part: Part) -> bool:
    return any("mode=normal" in line.value for line in part.named("reply"))


def _ends(line: Line) -> bool:
    """Whether a rule brings its own end."""
    return "backoff-to-normal-after=" in line.value


def _unknown_lists(facts: Facts) -> bool:
    """Whether a domain names a list that cannot be seen here; then nothing is known of what it does."""
    known = facts.defined("smtp-pattern-list")
    lowered = facts.lower_names("smtp-pattern-list")
    return any(
        line.value.strip('"') not in known and line.value.strip('"').lower() not in lowered
        for line in facts.named("smtp-pattern-list")
    )


def _users(facts: Facts, lists: set[str]) -> list[Part]:
    users = users_of_lists(facts)
    return [part for name in sorted(lists) for part in users.get(name, ())]


@Rule(
    code="backoff-never-starts",
    severity=WARNING,
    family=Family.BACKOFF,
    summary="Back-off that never starts",
    explanation=(
        "No queue enters back-off by itself on a 421 or another 4xx reply. It needs a mode=backoff rule, the loss of "
        "all sources, or a command; until then the settings for back-off have no effect."
    ),
    basis="guide 10.3, 3.3.10.46",
    whole=True,
    reads=(
        Reads(
            at=("backoff-",),
            others=("<pattern-list", "<smtp-pattern-list", "smtp-pattern-list", "backoff-upon-all-sources-disabled"),
        ),
    ),
    wrong="""
        <domain *>
          backoff-retry-after 30m
        </domain>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^421 / mode=backoff
        </smtp-pattern-list>
        <domain *>
          smtp-pattern-list replies
          backoff-retry-after 30m
        </domain>
    """,
)
def backoff_never_starts(facts: Facts) -> Iterator[Hit]:
    if _unknown_lists(facts) or not facts.complete:
        return
    applies = Applies(starting_sections(facts))
    names = [name for name in facts.by_name if name.startswith("backoff-")]
    for part in _with(facts, *names):
        lines = [line for line in part.lines if line.name.startswith("backoff-") and line.value != '""']
        if not lines or applies.may_hold_with(part):
            continue
        names = list(dict.fromkeys(line.name for line in lines))
        detail = (
            f"No queue of {part.title} ever enters back-off, so {few(names)} "
            f"{'has' if len(names) == 1 else 'have'} no effect, except after `pmta set queue --mode=backoff`. Give "
            "the domain an smtp-pattern-list with a mode=backoff rule, or set backoff-upon-all-sources-disabled."
        )
        yield at(lines[0], detail, mark=lines[0].node.name)


@Rule(
    code="backoff-never-ends",
    severity=WARNING,
    family=Family.BACKOFF,
    summary="Back-off that never ends",
    explanation="The default of backoff-to-normal-after is never: a queue that entered back-off once stays in it.",
    basis="guide 10.3.2, 3.3.10.44, 3.3.10.46",
    whole=True,
    reads=(
        Reads(
            at=("<pattern-list", "<smtp-pattern-list", "backoff-upon-all-sources-disabled"),
            others=("<pattern-list", "<smtp-pattern-list", "smtp-pattern-list", "backoff-to-normal-after"),
        ),
    ),
    wrong="""
        <domain *>
          backoff-upon-all-sources-disabled yes
        </domain>
    """,
    right="""
        <domain *>
          backoff-upon-all-sources-disabled yes
          backoff-to-normal-after 2h
        </domain>
    """,
)
def backoff_never_ends(facts: Facts) -> Iterator[Hit]:
    if not facts.complete:
        return
    ending = Applies(part for part in _with(facts, *_ENDS) if _has_end(part))
    for name, part in facts.defined("smtp-pattern-list").items():
        rules = [r for r in part.named("reply") if "mode=backoff" in r.value and not _ends(r)]
        if not rules or _returns(part) or part.tree.path not in facts.configuration.trees:
            continue
        caught = [user for user in _users(facts, {name.lower()}) if not ending.may_hold_with(user)]
        if not caught:
            continue
        who = few(list(dict.fromkeys(user.title for user in caught)))
        detail = (
            f"This rule puts queues of {who} into back-off, and nothing returns them to normal mode: they stay slow "
            "until a restart or a command. Set backoff-to-normal-after (its default is never) or "
            "backoff-to-normal-after-delivery in the domain."
        )
        yield at(rules[0], detail, mark="mode=backoff", related=(caught[0].place,))
    for line in facts.named("backoff-upon-all-sources-disabled"):
        if line.is_true and line.within is not None and not ending.may_hold_with(line.within):
            detail = (
                "This puts queues into back-off, and nothing returns them to normal mode: they stay slow until a "
                "restart or a command. Set backoff-to-normal-after (its default is never) or "
                "backoff-to-normal-after-delivery."
            )
            yield at(line, detail, mark=line.node.name)


def _has_end(part: Part) -> bool:
    if _is_finite(part.last("backoff-to-normal-after")):
        return True
    return part.is_set_to("backoff-to-normal-after-delivery", True)


def starting_sections(facts: Facts) -> list[Part]:
    """The domains that something puts into back-off."""
    lists = {name.lower() for name, part in facts.defined("smtp-pattern-list").items() if _backs_off(part)}
    by_loss = (part for part in _with(facts, _BY_LOSS) if part.is_set_to(_BY_LOSS, True))
    return [*_users(facts, lists), *by_loss]


def first_interval(line: Line) -> int | None:
    """The first interval of a retry list, in seconds."""
    return _first_interval(line.value)


@lru_cache(maxsize=1024)  # few different ones, on thousands of lines
def _first_interval(text: str) -> int | None:
    return values.parse_duration(text.strip('"').split(",")[0])


@Rule(
    code="source-never-enabled",
    severity=WARNING,
    family=Family.BACKOFF,
    summary="Disabled address that is never enabled again",
    explanation="The default of reenable-source-ip-after is never: the queue loses address after address.",
    basis="guide 3.3.15, 3.3.10.47",
    whole=True,
    reads=(
        Reads(
            at=("<pattern-list", "<smtp-pattern-list"),
            others=("<pattern-list", "<smtp-pattern-list", "smtp-pattern-list", "reenable-source-ip-after"),
        ),
    ),
    wrong="""
        <smtp-pattern-list replies>
          reply /^421 / disable-source-ip
        </smtp-pattern-list>
        <domain *>
          smtp-pattern-list replies
        </domain>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^421 / disable-source-ip,reenable-after=1h
        </smtp-pattern-list>
        <domain *>
          smtp-pattern-list replies
        </domain>
    """,
)
def source_never_enabled(facts: Facts) -> Iterator[Hit]:
    """Rules that disable an address for good."""
    if not facts.complete:
        return
    enabling = Applies(part for part in _with(facts, _ENABLED) if _is_finite(part.last(_ENABLED)))
    for name, part in facts.defined("smtp-pattern-list").items():
        rules = [r for r in part.named("reply") if "disable-source-ip" in r.value and "reenable-after=" not in r.value]
        caught = [user for user in _users(facts, {name.lower()}) if not enabling.may_hold_with(user)]
        if not rules or not caught or part.tree.path not in facts.configuration.trees:
            continue
        who = few(list(dict.fromkeys(user.title for user in caught)))
        detail = (
            f"This rule disables the address for queues of {who}, and nothing enables it again: the default of "
            "reenable-source-ip-after is never. Add `reenable-after=1h` to the rule, or set reenable-source-ip-after "
            "in the domain."
        )
        yield at(rules[0], detail, mark="disable-source-ip", related=(caught[0].place,))


def _is_finite(line: Line | None) -> bool:
    return line is not None and line.value.strip('"').lower() not in ("never", "")
