"""Names that lead nowhere, and things that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Hit, Rule
from pmtaform.lang.lint.nearest import nearest
from pmtaform.lang.lint.reads import on_names
from pmtaform.lang.lint.references import VMTA_NAMING, VMTAS, NameReference, is_given, references

_NOWHERE: Final = (
    "Whether it loads is undocumented (docs/powermta/language.md section 5); the effect on mail: guide 8.5.2"
)


def _undefined(noun: str) -> Check:
    def check(facts: Facts) -> Iterator[Hit]:
        for reference in references(facts).all:
            if reference.noun != noun or is_given(reference.name):
                continue
            wanted = values.normalise_argument(noun, reference.name)
            if any(wanted in facts.defined(kind) for kind in reference.kinds):
                continue
            if other_case(facts, reference):
                continue
            known = facts.names(reference.kinds)
            yield at(
                reference.line,
                f"{_what(reference)} {values.shown(reference.name)} is not "
                f"defined.{nearest(facts, reference.name, known)} "
                f"{_CONSEQUENCE[noun]}{unread(facts)}",
                mark=reference.name,
                severity=None if facts.complete and not facts.subject.elsewhere else WARNING,
            )

    return check


def _what(reference: NameReference) -> str:
    return "The virtual MTA or pool" if reference.kinds == VMTAS else f"The {_NOUN[reference.noun]}"


def unread(facts: Facts) -> str:
    if facts.subject.in_stack and not facts.whole:
        return (
            " (Only the stack was checked. If something else on the host defines it, write: "
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
_LOAD: Final = "Whether that stops a load is not documented; it does not have the intended effect."
_CONSEQUENCE: Final = {
    "virtual-mta": "Mail that is directed to it is rejected, or bounces (5.3.5). Whether PowerMTA loads the "
    "configuration at all is not documented. Define it, or remove the name.",
    "pattern-list": "A list must be above the source that uses it. Define it there.",
    "smtp-pattern-list": f"{_LOAD} Define it, unless it is one of the vendor's in config-defaults.",
    "source": f"{_LOAD} Define <source NAME>.",
    "source-group": f"{_LOAD} Define <source-group NAME>.",
    "address-list": f"{_LOAD} Define <address-list NAME>.",
    "rewrite-list": f"{_LOAD} Define <rewrite-list NAME>.",
    "signals-filter": f"{_LOAD} Define <signals-filter NAME>.",
    "proxy": "Every name in use-proxy must have its <proxy> section. Define it.",
}


def other_case(facts: Facts, reference: NameReference) -> str | None:
    wanted = reference.name.lower()
    for kind in reference.kinds:
        lowered = facts.lower_names(kind)
        if wanted in lowered:
            return lowered[wanted]
    return None


undefined_virtual_mta: Final = Rule(
    code="undefined-virtual-mta",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Undefined virtual MTA",
    explanation="PowerMTA rejects or bounces mail that is sent to a virtual MTA that does not exist.",
    basis=_NOWHERE,
    whole=True,
    partial=True,
    reads=on_names("virtual-mta", "virtual-mta-pool", at=VMTA_NAMING),
    wrong="""
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
    check=_undefined("virtual-mta"),
)

undefined_pattern_list: Final = Rule(
    code="undefined-pattern-list",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Undefined pattern list",
    explanation="The list must be defined above the source that uses it.",
    basis=_NOWHERE,
    whole=True,
    partial=True,
    reads=on_names("pattern-list", at=("pattern-list", "call-to:")),
    wrong="""
        <source 192.0.2.0/24>
          pattern-list senders
        </source>
    """,
    right="""
        <pattern-list senders>
        </pattern-list>
        <source 192.0.2.0/24>
          pattern-list senders
        </source>
    """,
    check=_undefined("pattern-list"),
)

undefined_smtp_pattern_list: Final = Rule(
    code="undefined-smtp-pattern-list",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined SMTP pattern list",
    explanation="The domain reacts to no reply: its queues never enter back-off.",
    basis=_NOWHERE,
    whole=True,
    reads=on_names("smtp-pattern-list", at=("smtp-pattern-list",)),
    wrong="""
        <domain *>
          smtp-pattern-list replies
        </domain>
    """,
    right="""
        <smtp-pattern-list replies>
        </smtp-pattern-list>
        <domain *>
          smtp-pattern-list replies
        </domain>
    """,
    check=_undefined("smtp-pattern-list"),
)

undefined_source: Final = Rule(
    code="undefined-source",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Undefined source",
    explanation="The permissions of its clients are not the intended ones.",
    basis=_NOWHERE,
    whole=True,
    partial=True,
    reads=on_names("source", at=("<smtp-user", "smtp-listener")),
    wrong="""
        <smtp-user feeder>
          source partners
        </smtp-user>
    """,
    right="""
        <source partners>
        </source>
        <smtp-user feeder>
          source partners
        </smtp-user>
    """,
    check=_undefined("source"),
)

undefined_source_group: Final = Rule(
    code="undefined-source-group",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined source group",
    explanation="The limit on connections is not the intended one.",
    basis=_NOWHERE,
    whole=True,
    reads=on_names("source-group", at=("source-group",)),
    wrong="""
        <source 192.0.2.0/24>
          source-group partners
        </source>
    """,
    right="""
        <source-group partners>
        </source-group>
        <source 192.0.2.0/24>
          source-group partners
        </source>
    """,
    check=_undefined("source-group"),
)

undefined_address_list: Final = Rule(
    code="undefined-address-list",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined address list",
    explanation="Addresses that should be suppressed get mail.",
    basis=_NOWHERE,
    whole=True,
    reads=on_names("address-list", "suppression-list", at=("suppression-lists",)),
    wrong="""
        <source 192.0.2.0/24>
          suppression-lists unsubscribed
        </source>
    """,
    right="""
        <address-list unsubscribed>
        </address-list>
        <source 192.0.2.0/24>
          suppression-lists unsubscribed
        </source>
    """,
    check=_undefined("address-list"),
)

undefined_rewrite_list: Final = Rule(
    code="undefined-rewrite-list",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined rewrite list",
    explanation="PowerMTA does not rewrite the addresses.",
    basis=_NOWHERE,
    whole=True,
    reads=on_names("rewrite-list", at=("rewrite-list",)),
    wrong="""
        <virtual-mta mta-a>
          rewrite-list senders
        </virtual-mta>
    """,
    right="""
        <rewrite-list senders>
        </rewrite-list>
        <virtual-mta mta-a>
          rewrite-list senders
        </virtual-mta>
    """,
    check=_undefined("rewrite-list"),
)

undefined_signals_filter: Final = Rule(
    code="undefined-signals-filter",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Undefined signals filter",
    explanation="PowerMTA reports other mail than intended, or none.",
    basis=_NOWHERE,
    whole=True,
    reads=on_names("signals-filter", at=("enable-signals",)),
    wrong="enable-signals some-mail",
    right="""
        <signals-filter some-mail>
        </signals-filter>
        enable-signals some-mail
    """,
    check=_undefined("signals-filter"),
)

undefined_proxy: Final = Rule(
    code="undefined-proxy",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Undefined proxy",
    explanation="Mail leaves from another address, or not at all.",
    basis=_NOWHERE,
    whole=True,
    partial=True,
    reads=on_names("proxy", at=("use-proxy",)),
    wrong="use-proxy gate",
    right="""
        <proxy gate>
          server 192.0.2.1:5000
          client 192.0.2.2 a.example.com
        </proxy>
        use-proxy gate
    """,
    check=_undefined("proxy"),
)
