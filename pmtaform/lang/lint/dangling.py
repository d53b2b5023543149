"""Names that lead nowhere, and things that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Severity
from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Check, Hit, Rule
from pmtaform.lang.lint.nearest import nearest
from pmtaform.lang.lint.references import VMTAS, Reference, is_given, named_file, references


def _undefined(noun: str) -> Check:
    def check(facts: Facts) -> Iterator[Hit]:
        for reference in references(facts).all:
            if reference.noun != noun or is_given(reference.name):
                continue
            wanted = values.normalise_argument(noun, reference.name)
            if any(wanted in facts.defined(kind) for kind in reference.kinds):
                continue
            if _other_case(facts, reference):
                continue
            known = facts.names(reference.kinds)
            yield at(
                reference.line,
                f"{_what(reference)} {values.shown(reference.name)} is not "
                f"defined.{nearest(facts, reference.name, known)} "
                f"{_CONSEQUENCE[noun]}{_unread(facts)}",
                mark=reference.name,
                severity=None if facts.complete and not facts.subject.elsewhere else WARNING,
            )

    return check


def _what(reference: Reference) -> str:
    return "The virtual MTA or pool" if reference.kinds == VMTAS else f"The {_NOUN[reference.noun]}"


def _unread(facts: Facts) -> str:
    if facts.subject.in_stack and not facts.whole:
        return (
            " (Only what the stack declares was looked at. If something else on the host defines it, say so: "
            "# pmtaform: ignore RULE because REASON.)"
        )
    if facts.complete:
        return ""
    return " (Not every included file could be read; it may be defined there.)"


_NOUN: Final = {
    "virtual-mta": "virtual MTA",
    "pattern-list": "pattern list",
    "smtp-pattern-list": "SMTP pattern list",
    "source": "source",
    "source-group": "source group",
    "address-list": "address list",
    "rewrite-list": "rewrite list",
    "proxy": "proxy",
    "signals-filter": "signals filter",
}
_LOAD: Final = "Whether that stops a load is not documented; it does not do what was meant."
_CONSEQUENCE: Final = {
    "virtual-mta": "A submission that is led to it is rejected, or bounces (5.3.5); whether PowerMTA loads the "
    "configuration at all is not documented. Define it, or take the name out.",
    "pattern-list": "A list must stand before the source that uses it. Define it above.",
    "smtp-pattern-list": f"{_LOAD} Define it, unless it is one of the vendor's in config-defaults.",
    "source": f"{_LOAD} Define <source NAME>.",
    "source-group": f"{_LOAD} Define <source-group NAME>.",
    "address-list": f"{_LOAD} Define <address-list NAME>.",
    "rewrite-list": f"{_LOAD} Define <rewrite-list NAME>.",
    "signals-filter": f"{_LOAD} Define <signals-filter NAME>.",
    "proxy": "Every name in use-proxy must have its <proxy> section. Define it.",
}


def _other_case(facts: Facts, reference: Reference) -> str | None:
    wanted = reference.name.lower()
    for kind in reference.kinds:
        lowered = facts.lower_names(kind)
        if wanted in lowered:
            return lowered[wanted]
    return None


def _case(facts: Facts) -> Iterator[Hit]:
    for reference in references(facts).all:
        if is_given(reference.name) or any(
            values.normalise_argument(kind, reference.name) in facts.defined(kind) for kind in reference.kinds
        ):
            continue
        other = _other_case(facts, reference)
        if other is not None:
            yield at(
                reference.line,
                f"{values.shown(reference.name)} is defined as {values.shown(other)}. Whether PowerMTA tells names of "
                "different case apart is not documented. Write it the same way in both places.",
                mark=reference.name,
            )


def _macro(facts: Facts) -> Iterator[Hit]:
    for user, name in references(facts).macros:
        if name in facts.macros or (
            isinstance(user, Line) and user.name == "domain-key" and name in ("selector", "domain")
        ):
            continue
        detail = (
            f"The macro ${values.shown(name)} is not defined.{nearest(facts, name, facts.macros)} What PowerMTA does "
            f"then is not "
            f"documented; no domain is meant by it. Define it, unless it is one of the vendor's in config-defaults."
            f"{_unread(facts)}"
        )
        yield on(user, detail, mark=f"${name}") if isinstance(user, Part) else at(user, detail, mark=f"${name}")


def _queue(facts: Facts) -> Iterator[Hit]:
    """Merged queues whose names are no domains need hosts of their own."""
    with_hosts = {p.key for p in facts.by_tag.get("domain", ()) if p.named("smtp-hosts") or p.named("route")}
    macros = any("$" in key for key in with_hosts)
    for line in facts.named("queue-to"):
        name = values.normalise_argument("domain", line.value.strip('"'))
        if not name.endswith((".queue", ".rollup")) or name in with_hosts or macros or "$" in name:
            continue
        detail = (
            f"The queue {values.shown(name)} is no domain that DNS knows, and no <domain {values.shown(name)}> has "
            "smtp-hosts: PowerMTA cannot know where its mail goes. Add that section with smtp-hosts, such as "
            f"lookup-mx:example.com.{_unread(facts)}"
        )
        yield at(line, detail)


_ONLY_BY_NAME: Final = (
    "pattern-list",
    "smtp-pattern-list",
    "source-group",
    "rewrite-list",
    "address-list",
    "suppression-list",
    "proxy",
    "signals-filter",
)


def _unused(facts: Facts) -> Iterator[Hit]:
    if not facts.complete:
        return  # it may be used in what was not read
    used: dict[str, set[str]] = {}
    for reference in references(facts).all:
        for kind in reference.kinds:
            used.setdefault(kind, set()).add(reference.name.lower())
    for kind in _ONLY_BY_NAME:
        for part in facts.top(kind):
            if part.key and part.key.lower() not in used.get(kind, set()):
                yield on(part, f"Nothing names {part.title}, so it has no effect. Use it, or remove it.")
    for part in facts.top("source"):
        name = part.key
        if values.parse_cidr(name) or name.startswith("{") or not name or "localhost" in name:
            continue
        if name.lower() not in used.get("source", set()):
            yield on(part, f"No user and no listener names {part.title}. Use it, or remove it.")
    used_macros = {name for _, name in references(facts).macros}
    for line in facts.settings("domain-macro"):
        name = line.value.split(None, 1)[0] if line.value else ""
        if name and name not in used_macros:
            yield at(line, f"Nothing uses ${values.shown(name)}. Use it, or remove it.", mark=name)


def _key_files(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(
        "domain-key", "smtp-server-tls-certificate", "tls-certificate", "smtp-client-certificate", "smtp-tls-ca-file"
    ):
        path = named_file(line)
        known = facts.file(path) if path else None
        if known is not None and not known.exists:
            detail = (
                f"{values.shown(path)} does not exist. Whether PowerMTA loads the configuration then is not "
                f"documented; "
                "it cannot use the file. Put it there, or remove the line."
            )
            yield at(line, detail, mark=path)


_NOWHERE: Final = "What loads is undocumented (docs/powermta/language.md section 5); what becomes of mail: guide 8.5.2"


def _rule(noun: str, severity: Severity, why: str) -> Rule:
    return Rule(
        id=f"undefined-{noun}",
        severity=severity,
        summary=f"There is no such {_NOUN[noun]}",
        why=why,
        basis=_NOWHERE,
        check=_undefined(noun),
        whole=True,
        partial=severity is ERROR,
    )


RULES: Final = (
    _rule("virtual-mta", ERROR, "Mail that is led to a virtual MTA that does not exist is rejected or bounces."),
    _rule("pattern-list", ERROR, "The list must stand before the source that uses it, so it must stand somewhere."),
    _rule("smtp-pattern-list", WARNING, "The domain reacts to no reply: it never backs off."),
    _rule("source", ERROR, "What its clients may do is then not what was meant."),
    _rule("source-group", WARNING, "The limit on connections is then not what was meant."),
    _rule("address-list", WARNING, "Addresses that are to be suppressed get mail."),
    _rule("rewrite-list", WARNING, "Addresses go out as they are."),
    _rule("signals-filter", WARNING, "Other mail than was meant is reported, or none."),
    _rule("proxy", ERROR, "Mail would leave from another address, or not at all."),
    Rule(
        id="undefined-macro",
        severity=WARNING,
        summary="There is no such domain macro",
        why="The section applies to no domain, so mail is sent with the general settings, or nothing loads.",
        basis="undocumented; guide 3.3.10 on macros",
        check=_macro,
        whole=True,
    ),
    Rule(
        id="undefined-queue",
        severity=WARNING,
        summary="A merged queue has no hosts",
        why="A queue whose name is no domain of DNS needs smtp-hosts, or its mail goes nowhere.",
        basis="guide 10.9",
        check=_queue,
        whole=True,
    ),
    Rule(
        id="name-differs-in-case",
        severity=WARNING,
        summary="A name is written in another case",
        why=(
            "Whether PowerMTA tells `Gmail` from `gmail` in names is not documented. If it does, the name leads "
            "nowhere."
        ),
        basis="undocumented (docs/powermta/language.md section 1)",
        check=_case,
    ),
    Rule(
        id="unused-definition",
        severity=INFO,
        summary="Nothing uses this definition",
        why="It has no effect. Often the line that should name it was lost or misspelt.",
        basis="inferred",
        check=_unused,
        whole=True,
    ),
    Rule(
        id="missing-key-file",
        severity=ERROR,
        summary="A file that the configuration names is not there",
        why="Mail goes out unsigned, or TLS does not come up.",
        basis="guide 10.6; what loads is undocumented",
        check=_key_files,
    ),
)
