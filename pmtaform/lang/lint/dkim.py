"""Signatures that do not come about, or do harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads
from pmtaform.lang.values.text import split

SIGN: Final = ("dkim-sign", "second-dkim-sign")
BY_HEADER: Final = "if-x-dkim-options-present"


@dataclass(frozen=True, slots=True)
class Key:
    """One domain-key line."""

    line: Line
    selector: str
    domain: str  # lower case; "*" for any


def _keys(lines: Iterable[Line]) -> list[Key]:
    read = ((line, _fields(line.value)) for line in lines if line.name == "domain-key")
    return [Key(line, *fields) for line, fields in read if fields is not None]


@lru_cache(maxsize=4096)  # thousands of virtual MTAs have the same few keys
def _fields(value: str) -> tuple[str, str] | None:
    """The selector and the domain of a key; None if it is none."""
    fields = split(value)
    return (fields[0], fields[1].lower()) if len(fields) == 3 and all(fields) and "=" not in fields[0] else None


def _signing(facts: Facts) -> list[Line]:
    return [line for line in facts.named(*SIGN) if line.is_true or line.value.strip('"').lower() == BY_HEADER]


def _handed_in(facts: Facts) -> bool:
    """Whether keys come with messages."""
    return any(line.is_true for line in facts.named("process-x-dkim-key"))


def _owner_keys(facts: Facts, owner: Part) -> list[Line]:
    """The keys of a virtual MTA and of the pools that it is in, or of a pool and its members."""
    lines = list(owner.named("domain-key"))
    for other in _companions(facts).get((owner.tag, owner.key), ()):
        lines += other.named("domain-key")
    return lines


def _companions(facts: Facts) -> dict[tuple[str, str], list[Part]]:
    companions = facts.memory.get("companions")
    if isinstance(companions, dict):
        return companions
    made: dict[tuple[str, str], list[Part]] = {}
    vmtas = facts.defined("virtual-mta")
    for pool in facts.top("virtual-mta-pool"):
        for line in pool.named("virtual-mta"):
            member = vmtas.get(line.value)
            if member is not None:
                made.setdefault(("virtual-mta", member.key), []).append(pool)
                made.setdefault(("virtual-mta-pool", pool.key), []).append(member)
    facts.memory["companions"] = made
    return made


class Ring:
    """Some keys, asked whether one of them signs for a domain."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys
        self.domains = {key.domain for key in keys}
        self.signs_all = any(domain == "*" or "$" in domain for domain in self.domains)

    def signs_for(self, domain: str) -> bool:
        """Whether a key is for the domain itself, or for one above it."""
        while domain and not self.signs_all:
            if domain in self.domains:
                return True
            domain = domain.partition(".")[2]
        return self.signs_all


def _available(facts: Facts, line: Line) -> list[Ring]:
    """The keys that may sign where a domain's line stands. A global domain holds for all virtual MTAs."""
    owner = line.within.within if line.within is not None else None
    known = facts.memory.get("rings")
    if not isinstance(known, dict):
        known = dict[object, Ring]()
        known |= {"all": Ring(_all_keys(facts)), "top": Ring(_top_keys(facts))}
        facts.memory["rings"] = known
    if owner is None:
        return [known["all"]]
    if id(owner) not in known:
        known[id(owner)] = Ring(_keys(_owner_keys(facts, owner)))
    return [known["top"], known[id(owner)]]


def _top_keys(facts: Facts) -> list[Key]:
    lists = [key for part in facts.top("domain-key-list") for key in part.named("domain-key")]
    return _keys([*facts.settings("domain-key"), *lists])


def _all_keys(facts: Facts) -> list[Key]:
    keys = facts.memory.get("keys")
    if not isinstance(keys, list):
        keys = facts.memory["keys"] = _keys(facts.named("domain-key"))
    return keys


@Rule(
    code="dkim-sign-without-key",
    severity=WARNING,
    family=Family.DKIM,
    summary="Signing without a key",
    explanation="Without a matching key mail goes out unsigned, silently.",
    basis="guide 10.6",
    whole=True,
    reads=(
        Reads(
            at=("dkim-sign",),
            others=("dkim-sign", "domain-key", "process-x-dkim-key", "<virtual-mta-pool"),
            enough=("^<setting domain-key", "^<domain-key-list", "<virtual-mta-pool", "process-x-dkim-key"),
        ),
    ),
    wrong="""
        <domain *>
          dkim-sign yes
        </domain>
    """,
    right="""
        domain-key s1,*,/etc/pmta/s1.pem
        <domain *>
          dkim-sign yes
        </domain>
    """,
)
def dkim_sign_without_key(facts: Facts) -> Iterator[Hit]:
    malformed = any(key.value.count(",") != 2 or "=" in key.value for key in facts.named("domain-key"))
    if _handed_in(facts) or not facts.complete or malformed:
        return
    unsigned = [line for line in _signing(facts) if not _has_key(facts, line)]
    if not unsigned:
        return
    first, *more = unsigned
    count = f" The same holds for {len(more)} further lines." if more else ""
    detail = (
        f"{first.name} has no effect: there is no domain-key that could sign here, so mail goes out unsigned. Add "
        f"`domain-key SELECTOR,DOMAIN,FILE`.{count}"
    )
    yield at(first, detail, mark=first.node.name, related=tuple(line.place for line in more[:4]))


def _has_key(facts: Facts, line: Line) -> bool:
    owner = line.within.within if line.within is not None else None
    if owner is None:
        return bool(_all_keys(facts))
    return _has_top_key(facts) or any(_fields(key.value) is not None for key in _owner_keys(facts, owner))


def _has_top_key(facts: Facts) -> bool:
    known = facts.memory.get("key at top level")
    if not isinstance(known, bool):
        known = facts.memory["key at top level"] = bool(_top_keys(facts))
    return known


@Rule(
    code="key-without-dkim-sign",
    severity=WARNING,
    family=Family.DKIM,
    summary="Key without signing",
    explanation="A key has no effect without dkim-sign in the recipients' domain.",
    basis="guide 10.6",
    whole=True,
    reads=(Reads(at=("domain-key",), others=("domain-key", "dkim-sign"), enough=("^<domain *>",)),),
    wrong="domain-key s1,*,/etc/pmta/s1.pem",
    right="""
        domain-key s1,*,/etc/pmta/s1.pem
        <domain *>
          dkim-sign yes
        </domain>
    """,
)
def key_without_dkim_sign(facts: Facts) -> Iterator[Hit]:
    keys = _all_keys(facts)
    if not keys or _signing(facts) or not facts.complete:
        return
    if facts.defaults is not None and _signing(facts.defaults):
        return
    detail = (
        "There is a key, and no domain has `dkim-sign yes` (the default is no), so nothing is signed. Write it into "
        "<domain *>, or into the domains whose mail is to be signed."
    )
    yield at(keys[0].line, detail, mark=keys[0].line.node.name)


def _identity_domain(line: Line) -> str:
    """The domain that an identity names; empty for keywords."""
    text = line.value.strip('"').lower().rpartition("@")[2]
    return text if "." in text and "$" not in text and "*" not in text else ""


@Rule(
    code="key-for-other-domain",
    severity=WARNING,
    family=Family.DKIM,
    summary="No key for the signing identity",
    explanation="A key signs for its own domain and its subdomains; if none matches, mail goes out unsigned.",
    basis="guide 10.6, 3.3.1.33.1",
    whole=True,
    reads=(Reads(at=("dkim-identity",), others=("domain-key", "process-x-dkim-key", "<virtual-mta-pool")),),
    wrong="""
        domain-key s1,a.example,/etc/pmta/s1.pem
        <domain *>
          dkim-sign yes
          dkim-identity @b.example
        </domain>
    """,
    right="""
        domain-key s1,a.example,/etc/pmta/s1.pem
        <domain *>
          dkim-sign yes
          dkim-identity @news.a.example
        </domain>
    """,
)
def key_for_other_domain(facts: Facts) -> Iterator[Hit]:
    if _handed_in(facts) or not facts.complete:
        return
    for line in facts.named("dkim-identity", "second-dkim-identity"):
        domain = _identity_domain(line)
        rings = _available(facts, line)
        keys = [key for ring in rings for key in ring.keys[:1]]
        if not domain or not keys or any(ring.signs_for(domain) for ring in rings):
            continue
        if line.within is not None and line.within.named(f"{line.name}-fallback"):
            continue
        detail = (
            f"No domain-key is for {values.shown(domain)} or a domain above it (the first is for "
            f"{values.shown(keys[0].domain)}), so mail goes out unsigned. Add a key, or change the identity."
        )
        yield at(line, detail, related=(keys[0].line.place,))


@Rule(
    code="unreachable-key",
    severity=WARNING,
    family=Family.DKIM,
    summary="Key that is never used",
    explanation="PowerMTA tries the keys in order, and uses the first whose domain is the sender's or a parent of it.",
    basis="guide 3.3.1.33.1",
    reads=(Reads(at=("domain-key",), others=("process-x-dkim-options", "second-dkim-sign")),),
    wrong="""
        domain-key s1,*,/etc/pmta/s1.pem
        domain-key s2,a.example,/etc/pmta/s2.pem
    """,
    right="""
        domain-key s2,a.example,/etc/pmta/s2.pem
        domain-key s1,*,/etc/pmta/s1.pem
    """,
)
def unreachable_key(facts: Facts) -> Iterator[Hit]:
    """Keys below one that is tried for the same domains."""
    chosen = any(line.is_true for line in facts.named("process-x-dkim-options")) or any(
        line in facts.by_name.get("second-dkim-sign", ()) for line in _signing(facts)
    )
    parts = (part for part in facts.holders("domain-key") if part.tag != "domain-key-list")
    several = (lines for part in parts if len(lines := part.named("domain-key")) > 1)
    groups = [facts.settings("domain-key"), *several]
    for lines in groups:
        above: dict[str, Key] = {}
        for key in _keys(lines):
            before = _first_above(above, key.domain)
            above.setdefault(key.domain, key)
            if before is None or (chosen and key.selector != before.selector):
                continue
            remedy = "Put * last" if before.domain == "*" else "Put the narrower domain first, or remove one"
            detail = (
                f"The key for {values.shown(before.domain)} above is tried first, and the first match signs: this one "
                f"is never used. {remedy}."
            )
            yield at(key.line, detail, related=(before.line.place,))


def _first_above(above: dict[str, Key], domain: str) -> Key | None:
    if "*" in above:
        return above["*"]
    while domain:
        if domain in above:
            return above[domain]
        domain = domain.partition(".")[2]
    return None
