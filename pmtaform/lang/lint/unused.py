"""Names that lead nowhere in another way: wrong case, no use, and files that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.dangling import other_case
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Given, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads, on_words
from pmtaform.lang.lint.references import LIST_NAMING, NAMED, VMTA_NAMING, is_given, named_file, references
from pmtaform.lang.lint.subject import FileFacts


@Rule(
    code="name-differs-in-case",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Name in another case",
    explanation=(
        "The guides do not state whether PowerMTA distinguishes `Gmail` from `gmail` in names. If it does, the name "
        "is undefined."
    ),
    basis="undocumented (docs/powermta/language.md section 1)",
    reads=(Reads(at=(*VMTA_NAMING, *LIST_NAMING), names=NAMED),),
    wrong="""
        <virtual-mta MTA-A>
        </virtual-mta>
        <virtual-mta-pool all>
          virtual-mta mta-a
        </virtual-mta-pool>
    """,
    right="""
        <virtual-mta mta-a>
        </virtual-mta>
        <virtual-mta-pool all>
          virtual-mta mta-a
        </virtual-mta-pool>
    """,
)
def name_differs_in_case(facts: Facts) -> Iterator[Hit]:
    for reference in references(facts).all:
        if is_given(reference.name) or any(
            values.normalise_argument(kind, reference.name) in facts.defined(kind) for kind in reference.kinds
        ):
            continue
        other = other_case(facts, reference)
        if other is not None:
            yield at(
                reference.line,
                f"{values.shown(reference.name)} is defined as {values.shown(other)}. Whether PowerMTA "
                "distinguishes names of different case is not "
                "documented. Write it the same way in both places.",
                mark=reference.name,
            )


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
_UNUSED: Final = on_words(
    *VMTA_NAMING, *LIST_NAMING, *(f"<{tag}" for tag in (*_ONLY_BY_NAME, "source ")), "domain-macro", "$"
)


@Rule(
    code="unused-definition",
    severity=INFO,
    family=Family.REFERENCES,
    summary="Unused definition",
    explanation="It has no effect. Often the line that should name it is missing or misspelt.",
    basis="inferred",
    whole=True,
    reads=_UNUSED,
    wrong="""
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
def unused_definition(facts: Facts) -> Iterator[Hit]:
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


@Rule(
    code="missing-key-file",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Missing file",
    explanation="Mail goes out unsigned, or TLS does not work.",
    basis="guide 10.6; whether it loads is undocumented",
    reads=BLOCK,
    wrong="domain-key s1,*,/etc/pmta/gone.pem",
    right="domain-key s1,*,/etc/pmta/s1.pem",
    given=Given(files={"/etc/pmta/gone.pem": FileFacts(exists=False), "/etc/pmta/s1.pem": FileFacts(mode=0o600)}),
)
def missing_key_file(facts: Facts) -> Iterator[Hit]:
    for line in facts.named(
        "domain-key", "smtp-server-tls-certificate", "tls-certificate", "smtp-client-certificate", "smtp-tls-ca-file"
    ):
        path = named_file(line)
        known = facts.file(path) if path else None
        if known is not None and not known.exists:
            detail = (
                f"{values.shown(path)} does not exist. Whether PowerMTA loads the configuration then is not "
                "documented; it cannot use the file. Add the file, or remove the line."
            )
            yield at(line, detail, mark=path)
