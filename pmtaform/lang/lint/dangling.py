"""Names that lead nowhere, and things that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Check, Family, Given, Hit, Rule
from pmtaform.lang.lint.nearest import nearest
from pmtaform.lang.lint.references import VMTAS, Reference, is_given, named_file, references
from pmtaform.lang.lint.subject import FileFacts

_NOWHERE: Final = "What loads is undocumented (docs/powermta/language.md section 5); what becomes of mail: guide 8.5.2"


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
        other = _other_case(facts, reference)
        if other is not None:
            yield at(
                reference.line,
                f"{values.shown(reference.name)} is defined as {values.shown(other)}. Whether PowerMTA tells names of "
                "different case apart is not documented. Write it the same way in both places.",
                mark=reference.name,
            )


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
            f"documented; no domain is meant by it. Define it, unless it is one of the vendor's in config-defaults."
            f"{_unread(facts)}"
        )
        yield on(user, detail, mark=f"${name}") if isinstance(user, Part) else at(user, detail, mark=f"${name}")


@Rule(
    code="undefined-queue",
    severity=WARNING,
    family=Family.REFERENCES,
    summary="Shared queue without hosts",
    explanation="A queue whose name is no domain in DNS needs smtp-hosts; PowerMTA cannot deliver its mail without.",
    basis="guide 10.9",
    whole=True,
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


@Rule(
    code="unused-definition",
    severity=INFO,
    family=Family.REFERENCES,
    summary="Unused definition",
    explanation="It has no effect. Often the line that should name it is missing or misspelt.",
    basis="inferred",
    whole=True,
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
    basis="guide 10.6; what loads is undocumented",
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
                f"documented; "
                "it cannot use the file. Put it there, or remove the line."
            )
            yield at(line, detail, mark=path)


undefined_virtual_mta: Final = Rule(
    code="undefined-virtual-mta",
    severity=ERROR,
    family=Family.REFERENCES,
    summary="Undefined virtual MTA",
    explanation="PowerMTA rejects or bounces mail that is sent to a virtual MTA that does not exist.",
    basis=_NOWHERE,
    whole=True,
    partial=True,
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
