"""Which <domain> sections may hold for the same recipients: what rules need to know before they miss something.

Everything here errs towards "may hold": a rule that asks it is silent rather than wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pmtaform.lang.lint.facts import Facts, Line, Part


def pattern_lineage(key: str) -> Iterator[str]:
    """The patterns that a domain also belongs to, from special to general."""
    yield key
    if key == "*":
        return
    bare = key.removeprefix("[*.]").removeprefix("*.")
    if bare != key or "." in bare:
        yield f"[*.]{bare}"
    while "." in bare:
        bare = bare.partition(".")[2]
        yield f"*.{bare}"
        yield f"[*.]{bare}"
    yield "*"


class Applies:
    """Some domain sections, asked whether one of them may hold where another does."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.keys = {part.key for part in parts}
        self.by_macro = any("$" in key for key in self.keys)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def may_hold_with(self, part: Part) -> bool:
        """Whether any of the sections may hold for a recipient that `part` holds for."""
        if not self.keys:
            return False
        if "*" in self.keys or self.by_macro or part.key.startswith(("*", "[")) or "$" in part.key:
            return True
        return not self.keys.isdisjoint(pattern_lineage(part.key))


def domains(facts: Facts) -> list[Part]:
    """Every <domain> section, wherever it is."""
    return facts.by_tag.get("domain", [])


def domains_with_hosts(facts: Facts) -> set[str]:
    """The names of the domains with hosts or a route for their mail."""
    return {part.key for part in facts.holders("smtp-hosts", "route") if part.tag == "domain"}


def inherited(facts: Facts, part: Part, name: str) -> Line | None:
    """The value in `part` itself, else that of the general domain of its owner, else that of <domain *>."""
    own = part.last(name)
    if own is not None:
        return own
    for other in (*_general_of(facts, part.within), *_general_of(facts, None)):
        if (line := other.last(name)) is not None:
            return line
    return None


def _general_of(facts: Facts, owner: Part | None) -> list[Part]:
    """The <domain *> sections of a virtual MTA or pool; None: those at top level."""
    known = facts.memory.get("general domains")
    if not isinstance(known, dict):
        known = facts.memory["general domains"] = dict[int, list[Part]]()
    if id(owner) not in known:
        parts = facts.top("domain") if owner is None else owner.parts
        known[id(owner)] = [part for part in parts if part.tag == "domain" and part.key == "*"]
    sections: list[Part] = known[id(owner)]
    return sections


def users_of_lists(facts: Facts) -> dict[str, list[Part]]:
    """The domains that name each smtp-pattern-list, by its name in lower case."""
    users = facts.memory.get("users of lists")
    if not isinstance(users, dict):
        users = dict[str, list[Part]]()
        for part in domains(facts):
            for line in part.named("smtp-pattern-list"):
                users.setdefault(line.value.strip('"').lower(), []).append(part)
        facts.memory["users of lists"] = users
    return users
