"""Domain macros and shared queues that are not defined."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.lang import values
from pmtaform.lang.lint.dangling import unread
from pmtaform.lang.lint.domains import domains_with_hosts
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.nearest import nearest
from pmtaform.lang.lint.reads import Reads
from pmtaform.lang.lint.references import references


@Rule(
    code="undefined-macro",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined domain macro",
    explanation=(
        "The section applies to no domain, so mail is sent with the general settings, or PowerMTA does not load the "
        "configuration."
    ),
    basis="undocumented; guide 3.3.10 on macros",
    whole=True,
    reads=(Reads(at=("$",), others=("domain-macro",)),),
    wrong="""
        <domain $mail>
        </domain>
    """,
    right="""
        domain-macro mail a.example,b.example
        <domain $mail>
        </domain>
    """,
)
def undefined_macro(facts: Facts) -> Iterator[Hit]:
    for user, name in references(facts).macros:
        if name in facts.macros or (
            isinstance(user, Line) and user.name == "domain-key" and name in ("selector", "domain")
        ):
            continue
        detail = (
            f"The macro ${values.shown(name)} is not defined.{nearest(facts, name, facts.macros)} What PowerMTA does "
            f"then is not "
            f"documented; the macro matches no domain. Define it, unless it is one of the vendor's in config-defaults."
            f"{unread(facts)}"
        )
        yield on(user, detail, mark=f"${name}") if isinstance(user, Part) else at(user, detail, mark=f"${name}")


@Rule(
    code="undefined-queue",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Shared queue without hosts",
    explanation="A queue whose name is not in DNS needs smtp-hosts. Without it PowerMTA cannot deliver its mail.",
    basis="guide 10.9",
    whole=True,
    reads=(Reads(at=("queue-to",), others=("smtp-hosts", "route")),),
    wrong="""
        <domain example.com>
          queue-to big.queue
        </domain>
    """,
    right="""
        <domain example.com>
          queue-to big.queue
        </domain>
        <domain big.queue>
          smtp-hosts lookup-mx:example.com
        </domain>
    """,
)
def undefined_queue(facts: Facts) -> Iterator[Hit]:
    """Merged queues whose names are not domains need their own hosts."""
    with_hosts = domains_with_hosts(facts)
    macros = any("$" in key for key in with_hosts)
    for line in facts.named("queue-to"):
        name = values.normalise_argument("domain", line.value.strip('"'))
        if not name.endswith((".queue", ".rollup")) or name in with_hosts or macros or "$" in name:
            continue
        detail = (
            f"The queue {values.shown(name)} is not a domain in DNS, and no <domain {values.shown(name)}> has "
            "smtp-hosts: PowerMTA cannot know where its mail goes. Add that section with smtp-hosts, such as "
            f"lookup-mx:example.com.{unread(facts)}"
        )
        yield at(line, detail)
