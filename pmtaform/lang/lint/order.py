"""Order that means something: what must be above, and what can never be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.patterns import RULE_NAMES, regex_of, rule_text
from pmtaform.lang.lint.reads import BLOCK, on_words
from pmtaform.lang.lint.references import references
from pmtaform.lang.lint.regex import matches_every_text, matches_everything, split_regex

_MOST_WALKED: Final = 2000
_FIRST_MATCH: Final = ("pattern-list", "bounce-category-patterns")


@Rule(
    code="pattern-list-after-source",
    severity=ERROR,
    family=Family.ORDER,
    summary="Pattern list below its source",
    explanation="The list must be above the source. No other order of sections is required.",
    basis="guide 3.3.7.39",
    reads=on_words("pattern-list"),
    wrong="""
        <source 192.0.2.0/24>
          pattern-list senders
        </source>
        <pattern-list senders>
        </pattern-list>
    """,
    right="""
        <pattern-list senders>
        </pattern-list>
        <source 192.0.2.0/24>
          pattern-list senders
        </source>
    """,
)
def pattern_list_after_source(facts: Facts) -> Iterator[Hit]:
    for reference in references(facts).all:
        part = facts.defined("pattern-list").get(reference.name)
        if reference.noun != "pattern-list" or reference.line.scope != "source" or part is None:
            continue
        if part.order > reference.line.order and part.tree.path in facts.configuration.trees:
            yield at(
                reference.line,
                f"<pattern-list {values.shown(reference.name)}> is defined below, and must be above the source "
                "that uses "
                f"it. Move the list up.",
                mark=reference.name,
                related=(part.place,),
            )


@Rule(
    code="macro-after-use",
    severity=WARNING,
    family=Family.ORDER,
    summary="Macro used above its definition",
    explanation="The guides do not state whether PowerMTA accepts that.",
    basis="undocumented; every example in the guides defines first",
    reads=on_words("domain-macro", "$"),
    wrong="""
        <domain $mail>
        </domain>
        domain-macro mail a.example
    """,
    right="""
        domain-macro mail a.example
        <domain $mail>
        </domain>
    """,
)
def macro_after_use(facts: Facts) -> Iterator[Hit]:
    reported: set[str] = set()
    for user, name in references(facts).macros:
        lines = facts.macros.get(name, [])
        if name in reported or not lines or any(line.order < user.order or _is_foreign(facts, line) for line in lines):
            continue
        reported.add(name)
        detail = (
            f"The macro ${values.shown(name)} is used above its definition. Whether PowerMTA accepts that is not "
            f"documented. "
            "Move the definition up."
        )
        place = (lines[0].place,)
        if isinstance(user, Part):
            yield on(user, detail, mark=f"${name}", related=place)
        else:
            yield at(user, detail, mark=f"${name}", related=place)


def _is_foreign(facts: Facts, line: Line) -> bool:
    return line.tree.path not in facts.configuration.trees


@Rule(
    code="macro-loop",
    severity=ERROR,
    family=Family.ORDER,
    summary="Macro that refers to itself",
    explanation="A loop of macros is an error at load.",
    basis="guide 3.3.10",
    malformed=True,
    reads=on_words("domain-macro"),
    wrong="""
        domain-macro first $second
        domain-macro second $first
    """,
    right="""
        domain-macro first $second
        domain-macro second a.example
    """,
)
def macro_loop(facts: Facts) -> Iterator[Hit]:
    uses: dict[str, set[str]] = {}
    for user, name in references(facts).macros:
        if isinstance(user, Line) and user.name == "domain-macro" and user.value:
            uses.setdefault(user.value.split(None, 1)[0], set()).add(name)
    looping = _in_circles(uses)
    for line in facts.settings("domain-macro"):
        name = line.value.split(None, 1)[0] if line.value else ""
        if name in looping:
            yield at(line, f"The macro ${values.shown(name)} refers to itself. Remove it from its own list.", mark=name)


def _in_circles(uses: dict[str, set[str]]) -> set[str]:
    """The names from which a way leads back to them."""
    forward = {name: targets & uses.keys() for name, targets in uses.items()}
    backward: dict[str, set[str]] = {name: set() for name in uses}
    for name, targets in forward.items():
        for target in targets:
            backward[target].add(name)
    _trim(forward, backward)
    _trim(backward, forward)
    if len(forward) > _MOST_WALKED:
        return set(forward)
    return {name for name in forward if _is_circular(name, forward)}


def _trim(out: dict[str, set[str]], back: dict[str, set[str]]) -> None:
    """Take away what leads nowhere, until nothing does."""
    dead = [name for name, targets in out.items() if not targets]
    while dead:
        name = dead.pop()
        del out[name]
        for other in back.pop(name):
            if other in out:
                out[other].discard(name)
                if not out[other]:
                    dead.append(other)


def _is_circular(start: str, uses: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    pending = list(uses[start])
    while pending:
        name = pending.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            pending += uses.get(name, ())
    return False


# -- rules that are never reached ----------------------------------------------------------------------------------


def _catches_all(line: Line) -> bool:
    """Whether a rule of a first-match list ends it: no later rule is looked at."""
    if line.name == "*":
        return True
    body = regex_of(line)
    if body is None or line.name == "header":
        return False
    if line.name == "/REGEX/" or line.name == "rcpt-to":
        return matches_every_text(body)
    return line.name == "mail-from" and matches_everything(body)


@Rule(
    code="unreachable-rule",
    severity=WARNING,
    family=Family.ORDER,
    summary="Rule below one that matches everything",
    explanation="The first match decides, so rules below a catch-all have no effect.",
    basis="guide 3.3.14, 10.8",
    reads=BLOCK,
    wrong="""
        <pattern-list senders>
          * virtual-mta=mta-a
          mail-from /news/ virtual-mta=mta-b
        </pattern-list>
    """,
    right="""
        <pattern-list senders>
          mail-from /news/ virtual-mta=mta-b
          * virtual-mta=mta-a
        </pattern-list>
    """,
)
def unreachable_rule(facts: Facts) -> Iterator[Hit]:
    for tag in _FIRST_MATCH:
        for part in facts.by_tag.get(tag, ()):
            at_index = next((n for n, line in enumerate(part.lines) if _catches_all(line)), None)
            if at_index is None:
                continue
            rest = [r for r in part.lines[at_index + 1 :] if r.name in RULE_NAMES or r.name == "*"]
            if rest:
                line = part.lines[at_index]
                count = f"It and the {len(rest) - 1} after it" if len(rest) > 1 else "It"
                detail = (
                    f"The rule in line {line.node.line} matches everything, and the first match decides. {count} can "
                    "never match. Move the catch-all to the end."
                )
                yield at(rest[0], detail, mark=rest[0].node.name, related=(line.place,))


@Rule(
    code="shadowed-rule",
    severity=WARNING,
    family=Family.ORDER,
    summary="Repeated pattern of a list",
    explanation="The first match decides, so the second rule has no effect.",
    basis="guide 3.3.14, 3.3.15",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /busy/ mode=backoff
          reply /busy/ mode=normal
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /busy/ mode=backoff
          reply /welcome/ mode=normal
        </smtp-pattern-list>
    """,
)
def shadowed_rule(facts: Facts) -> Iterator[Hit]:
    """The same pattern twice in a list."""
    for tag in (*_FIRST_MATCH, "smtp-pattern-list", "mx-rollup-list"):
        for part in facts.by_tag.get(tag, ()):
            seen: dict[tuple[str, str], Line] = {}
            for line in part.lines:
                split = _split(line)
                if split is None:
                    continue
                key, result = split
                before = seen.setdefault(key, line)
                other = _split(before)
                if before is line or other is None or (tag == "smtp-pattern-list" and not _conflict(other[1], result)):
                    continue
                same = other[1] == result
                detail = "The same pattern is above with the same result. Remove one of the two."
                if not same:
                    detail = (
                        f"The same pattern is above with the result {values.shown(other[1])}, and the first one "
                        "decides: this rule never has an effect. Remove one of the two."
                    )
                yield at(line, detail, severity=INFO if same else None, related=(before.place,))


def _split(line: Line) -> tuple[tuple[str, str], str] | None:
    """A rule's pattern, with the kind of rule, and its result."""
    if line.name == "mx":
        words = line.value.split()
        return (("mx", words[0].lower()), " ".join(words[1:])) if len(words) > 1 else None
    parts = split_regex(rule_text(line)) if line.name in RULE_NAMES else None
    if parts is None:
        return None
    return (f"{line.name} {parts[0].strip().lower()}", parts[1]), " ".join(parts[2].split())


def _conflict(first: str, second: str) -> bool:
    """Whether two results of one reply contradict each other, or are the same; else both may apply."""
    actions, two = {a.strip() for a in first.split(",")}, {a.strip() for a in second.split(",")}
    if actions == two:
        return True
    switches = {"mode=normal", "mode=backoff"}
    return bool((actions & switches) and (two & switches) and not actions & two & switches)
