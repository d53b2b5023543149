"""Words that PowerMTA does not know, or not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.inventions import Invention, inventions
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.foreign import is_omission
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.line_fixes import rename_fix
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Fix, Hit, Rule
from pmtaform.lang.lint.nearest import suggested
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.syntax import is_pair

_ABSENT: Final = (
    "absent from both 5.0 guides, and from published configurations except those of its inventors "
    "(docs/powermta/mistakes.md)"
)

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
RULE_LISTS: Final = frozenset(
    {"pattern-list", "smtp-pattern-list", "bounce-category-patterns", "mx-rollup-list", "rewrite-list"}
)
_INBOUND: Final = ("smtp-listener", "source", "smtp-user")
_CLIENT_TLS: Final = (
    "Clients are offered TLS with `allow-starttls yes` in a `<source>`, and need it to log in with "
    "`require-starttls-before-auth yes`."
)
_ACCOUNTS: Final = "Accounts of clients are `<smtp-user NAME>` sections with `password` and `source`."
_FOR_CLIENTS: Final = {
    "require-starttls": _CLIENT_TLS,
    "use-starttls": _CLIENT_TLS,
    "auth-username": _ACCOUNTS,
    "auth-password": _ACCOUNTS,
    "use-unencrypted-plain-auth": "Clients may log in without TLS with `allow-unencrypted-plain-auth` in a `<source>`.",
}
_FOR_SERVERS: Final = {
    "allow-starttls": "Outgoing mail uses TLS with `use-starttls yes`.",
    "require-starttls-before-auth": "Outgoing mail needs TLS with `require-starttls yes`.",
    "require-auth": "To log in at another server, write `auth-username` and `auth-password`.",
    "allow-auth": "To log in at another server, write `auth-username` and `auth-password`.",
    "allow-unencrypted-plain-auth": "To log in at another server without TLS, there is `use-unencrypted-plain-auth`.",
}
# Switches that must not come to say yes by a fix: what did not load would then load, and be unsafe.
UNSAFE_YES: Final = frozenset(
    {
        "always-allow-relaying",
        "always-allow-api-submission",
        "allow-unencrypted-plain-auth",
        "use-unencrypted-plain-auth",
        "process-x-dkim-key",
        "retain-x-dkim-key",
        "process-x-virtual-mta",
        "run-as-root",
    }
)


def strange(facts: Facts) -> Iterator[Line]:
    """Lines whose first word is no directive of their scope and that no other rule of the parser speaks of."""
    return (line for line in facts.unknown if not is_pair(line))


def is_inside_unknown(part: Part | None) -> bool:
    """Whether a line is, at some depth, in a section that PowerMTA does not know."""
    while part is not None:
        if catalogue().section(part.tag) is None:
            return True
        part = part.within
    return False


@Rule(
    code="invented-directive",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Invented directive",
    explanation=(
        "A web page invented it, and others copied it. PowerMTA does not load a configuration with an unknown line."
    ),
    basis=_ABSENT,
    reads=BLOCK,
    wrong="dkim-selector mail",
    right="domain-key mail,example.com,/etc/pmta/mail.example.com.pem",
)
def invented_directive(facts: Facts) -> Iterator[Hit]:
    for line in strange(facts):
        known = _invention_of(line)
        if known is not None:
            yield at(
                line,
                f"PowerMTA has no directive {values.shown(line.name)}. {known.remedy}",
                mark=line.node.name,
                fix=_exact_fix(line, known),
            )


def _invention_of(line: Line) -> Invention | None:
    known = inventions().directive(line.name)
    if known is None or catalogue().anywhere(line.name):
        return None
    return known


def _exact_fix(line: Line, known: Invention) -> tuple[Fix, ...] | None:
    """The genuine name in its place, if it may be there with this value."""
    if known.exact is None or (known.exact in UNSAFE_YES and _is_for_everyone(line)):
        return None
    spec = catalogue().directive(line.scope, known.exact)
    if spec is None or not line.value or values.problem(spec, line.value):
        return None
    return rename_fix(line, known.exact)


def _is_for_everyone(line: Line) -> bool:
    return line.scope == GLOBAL or (line.within is not None and line.within.key in ("0.0.0.0/0", "::/0"))


@Rule(
    code="unknown-directive",
    severity=WARNING,
    family=Family.UNKNOWN,
    summary="Unknown directive",
    explanation=(
        "PowerMTA does not load a configuration with an unknown line. Some releases may have directives that "
        "pmtaform does not know."
    ),
    basis="absent from both 5.0 guides",
    reads=BLOCK,
    wrong="""
        <domain *>
          max-msg-ratee 100/h
        </domain>
    """,
    right="""
        <domain *>
          max-msg-rate 100/h
        </domain>
    """,
)
def unknown_directive(facts: Facts) -> Iterator[Hit]:
    for line in strange(facts):
        name = line.node.name
        if not is_unknown(line) or is_impossible(name):
            continue
        where = "at top level" if line.scope == GLOBAL else f"in <{line.scope}>"
        near = suggested(facts, name, line.scope, line.value)
        yield at(
            line,
            f"Neither 5.0 guide has a directive {values.shown(name)}.{near} If a release has it that pmtaform does "
            f"not know, ignore this finding. Otherwise an unknown line {where} stops a load.",
            mark=name,
        )


def is_unknown(line: Line) -> bool:
    """Whether nothing else is known of a strange line."""
    name = line.node.name
    return not (
        catalogue().anywhere(name)
        or inventions().directive(name)
        or is_omission(name)
        or line.scope in RULE_LISTS
        or is_inside_unknown(line.within)
    )


def is_impossible(word: str) -> bool:
    """Whether a word can be a directive of no release, by the characters in it."""
    return _WORD.fullmatch(word) is None


@Rule(
    code="misplaced-directive",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Misplaced directive",
    explanation="A directive has its meaning in its own sections only; in any other section it is an unknown line.",
    basis="the scopes in guide 3.3",
    reads=BLOCK,
    wrong="max-msg-rate 100/h",
    right="""
        <domain *>
          max-msg-rate 100/h
        </domain>
    """,
)
def misplaced_directive(facts: Facts) -> Iterator[Hit]:
    for line in strange(facts):
        specs = catalogue().anywhere(line.node.name)
        if not specs or is_inside_unknown(line.within):
            continue
        scopes = list(dict.fromkeys(scope for spec in specs for scope in spec.scopes))
        where = " or ".join("at top level" if s == GLOBAL else f"in <{s}>" for s in scopes)
        here = "at top level" if line.scope == GLOBAL else f"in <{line.scope}>"
        other = _other_side(line, scopes)
        detail = (
            f"{values.shown(line.name)} does not belong {here}: {other}"
            if other
            else f"{values.shown(line.name)} does not belong {here}; it belongs {where}.{_inner_hint(line, scopes)}"
        )
        yield at(line, detail, mark=line.node.name)


def _other_side(line: Line, scopes: list[str]) -> str:
    """What to write where a line is about mail that comes in, and its directive about mail that goes out; or back."""
    name = line.name
    if line.scope in _INBOUND and name in _FOR_CLIENTS and scopes == ["domain"]:
        return f"in a <domain> it is about outgoing mail. {_FOR_CLIENTS[name]}"
    if line.scope == "domain" and name in _FOR_SERVERS and "domain" not in scopes:
        return f"in a <source> it is about the clients of this server. {_FOR_SERVERS[name]}"
    return ""


def _inner_hint(line: Line, scopes: list[str]) -> str:
    if line.scope in ("virtual-mta", "virtual-mta-pool") and "domain" in scopes:
        return f" Put it into a `<domain *>` inside the <{line.scope}>."
    if line.scope == "pattern-list" and line.name == "reply":
        return " Rules on replies of the remote server belong in a <smtp-pattern-list>, which a domain names."
    return ""


def _is_undocumented(spec: DirectiveSpec | None) -> bool:
    return spec is not None and spec.confidence in ("observed", "memory") and spec.status == "current"


@Rule(
    code="undocumented-directive",
    severity=INFO,
    family=Family.UNKNOWN,
    summary="Undocumented directive",
    explanation="Published configurations use it; no guide states what it does, and any release may remove it.",
    basis="seen in published configurations only",
    reads=BLOCK,
    wrong="sync-msg-create yes",
    right="run-as-root no",
)
def undocumented_directive(facts: Facts) -> Iterator[Hit]:
    for line in (line for lines in facts.alike for line in lines if _is_undocumented(lines[0].spec)):
        spec = line.spec
        if spec is not None:
            where = (
                "is mentioned in a 5.0 guide, and described in none"
                if spec.is_in_guide
                else "is in neither 5.0 guide, but in published configurations that seem to load"
            )
            detail = (
                f"{line.name} {where}. What it does, and whether a later release still accepts it, is not documented."
            )
            yield at(line, detail, mark=line.node.name)
