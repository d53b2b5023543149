"""DNS records of the names that a plan changes: reported in the plan, or required before it is applied.

It queries only names that changes add (an address, a key, a domain for bounces), and only where the stack has a `dns`
block: a plan is fast and works offline unless its stack requires more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.plans import DNS_MATCHES
from pmtaform.errors import PmtaformError
from pmtaform.inspection.verdict import HostVerdict
from pmtaform.lang.blocks import Address
from pmtaform.lang.values.text import unquoted
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.plan.dangers.kinds import DNS_UNKNOWN, DNS_WRONG
from pmtaform.plan.model import Action, Change, Danger, HostPlan, ValueChange
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack, compile_host

if TYPE_CHECKING:
    from pmtaform.dns.facts import DnsFacts, PublicKey, Selector, SendingAddress
    from pmtaform.dns.findings import DnsFinding
    from pmtaform.dns.resolver import DnsResolver
    from pmtaform.dns.touched import Owner, Touched

_SOURCE: Final = "smtp-source-host"
_KEY_LINE: Final = "domain-key"
_NAMES: Final = frozenset({_SOURCE, _KEY_LINE})
_PROCESSORS: Final = {"bounce-processor": True, "feedback-loop-processor": False}  # whether its domains send, too
_SEVERITIES: Final = {"error": Severity.WARNING, "unknown": Severity.WARNING, "warning": Severity.WARNING}
_CODES: Final = {"error": DNS_WRONG.code, "unknown": DNS_UNKNOWN.code}  # of dangers, where the stack requires it


class DnsStep(Step):
    """Adds what DNS has of the addresses, keys and domains that changes add."""

    @staticmethod
    def applies(stack: Stack) -> bool:
        """Whether a plan of this stack checks DNS."""
        return stack.dns.on_plan != "off"

    def advise(self, draft: Draft) -> None:
        """Add notes, and dangers where the stack requires that DNS is right."""
        resolver = draft.request.resolver() if draft.request.resolver is not None else None
        draft.hosts = tuple(with_dns(draft.stack, draft.fleet.surveys, draft.hosts, resolver))


def with_dns(
    stack: Stack, surveys: Mapping[str, HostVerdict], hosts: Sequence[HostPlan], resolver: DnsResolver | None = None
) -> list[HostPlan]:
    """The plans of hosts with notes on the DNS records of their changes, and with `require` dangers of the changes.

    `resolver` None: the one that the stack's `dns` describes. Never raises for an answer of DNS.
    """
    if not any(_may_touch(change) for plan in hosts for change in plan.changes):
        return list(hosts)
    from pmtaform.dns.live import live_resolver
    from pmtaform.dns.touched import touched_findings
    from pmtaform.stack.dns_inputs import waiting_selectors

    facts, keys = _facts(stack, surveys), _Keys(surveys, waiting_selectors(stack))
    touched = {
        (plan.host, change.address): added
        for plan in hosts
        for change in plan.changes
        if _may_touch(change) and (added := _touched(plan.host, change, facts, keys))
    }
    if not touched:
        return list(hosts)
    by_owner: dict[Owner, list[DnsFinding]] = {}
    for owner, finding in touched_findings(resolver or live_resolver(stack.dns), facts, touched):
        by_owner.setdefault(owner, []).append(finding)
    required = stack.dns.on_plan == "require"
    return [_told(plan, touched.keys(), by_owner, required=required) for plan in hosts]


def _may_touch(change: Change) -> bool:
    """Whether a change may add something that needs a DNS record. Most do not, and are looked at no further."""
    kind = Address.parse(change.address).kind
    names = _NAMES | ({"domain"} if kind in _PROCESSORS else set()) | ({"private-key"} if kind == "dkim-key" else set())
    return change.action is not Action.DELETE and any(value.name in names for value in change.values)


def _facts(stack: Stack, surveys: Mapping[str, HostVerdict]) -> DnsFacts:
    """The records that the whole fleet needs, except its keys. For a host that was not looked at, the stack decides."""
    from pmtaform.dns.facts import facts_of
    from pmtaform.stack.dns_inputs import declared_names, reached_at

    desired: list[Desired] = []
    for name in stack.hosts:
        with suppress(PmtaformError):  # an error of another host is reported by the plan of that host
            desired.append(surveys[name].desired if name in surveys else compile_host(stack, name))
    return facts_of(desired, declared_names(stack), lambda _: None, reached_at(stack, list(stack.hosts)))


class _Keys:
    """The public halves of the keys that change, each computed once, because it takes time."""

    def __init__(self, surveys: Mapping[str, HostVerdict], waiting: Collection[tuple[str, str]]) -> None:
        self.waiting = waiting  # (domain, selector) that are laid on hosts before anything signs with them
        self._surveys = surveys
        self._of_host: dict[str, tuple[KeyFile, ...]] = {}
        self._known: dict[str, PublicKey | None] = {}

    def public(self, host: str, selector: str, domain: str) -> PublicKey | None:
        """The public half of a host's key; None where the key is not in `dkim-keys`, or cannot be read."""
        if host not in self._of_host:
            self._of_host[host] = self._surveys[host].desired.keys
        for key in self._of_host[host]:
            if (key.selector.lower(), key.domain.lower().rstrip(".")) == (selector, domain):
                if key.reference not in self._known:
                    self._known[key.reference] = _public_key(key)
                return self._known[key.reference]
        return None


def _public_key(key: KeyFile) -> PublicKey | None:
    if key.private_key is None:
        return None
    from pmtaform.dns.public_key import public_key_of

    return public_key_of(key.private_key.reveal())


# -- what a change adds ------------------------------------------------------------------------------------------------


def _touched(host: str, change: Change, facts: DnsFacts, keys: _Keys) -> Touched:
    from pmtaform.dns.touched import Touched

    touched = Touched()
    address = Address.parse(change.address)
    for value in change.values:
        gained = [each for each in value.after if each not in value.before]
        if value.name == _SOURCE:
            touched.sources += _sources(host, address, gained, facts)
        elif value.name == _KEY_LINE:
            touched.selectors += _selectors(host, gained, keys)
        elif address.kind == "dkim-key" and value.name == "private-key":
            domain, _, selector = address.key.partition("/")
            touched.selectors += _selectors(host, [f"{selector},{domain},"], keys)
        elif address.kind in _PROCESSORS and value.name == "domain" and "address-list" in "".join(value.path):
            domains = _domains(value, facts)
            touched.mail += domains
            touched.bounce += domains if _PROCESSORS[address.kind] else []
    return touched


def _sources(host: str, address: Address, gained: Iterable[str], facts: DnsFacts) -> list[SendingAddress]:
    vmta = address.key if address.kind == "virtual-mta" else ""
    new = {_source(text) for text in gained}
    own = [source for source in facts.sources if source.host == host and source.vmta == vmta]
    return [source for source in own if (source.address, source.helo) in new]


def _source(text: str) -> tuple[str, str]:
    """The address and the name of an `smtp-source-host`, as `dns.facts` has them."""
    words = [unquoted(word) for word in text.split()]
    try:
        network = ipaddress.ip_network(words[0], strict=False) if words else None
    except ValueError:
        network = None
    if network is None:
        return "", ""
    single = network.prefixlen == network.max_prefixlen
    helo = words[1].lower().rstrip(".") if len(words) > 1 else ""
    return str(network.network_address) if single else str(network), helo


def _selectors(host: str, lines: Iterable[str], keys: _Keys) -> list[Selector]:
    """The keys of `SELECTOR,DOMAIN,FILE` lines. For a key that is not in `dkim-keys`, its record only has to exist."""
    from pmtaform.dns.facts import Selector

    selectors: list[Selector] = []
    for line in lines:
        fields = [field.strip().lower().rstrip(".") for field in unquoted(line).split(",")]
        if len(fields) >= 2 and fields[1] != "*" and "$" not in fields[1]:
            public = keys.public(host, fields[0], fields[1])
            signs = (fields[1], fields[0]) not in keys.waiting
            selectors.append(Selector(domain=fields[1], selector=fields[0], public=public, signs=signs))
    return selectors


def _domains(value: ValueChange, facts: DnsFacts) -> list[str]:
    known = {*facts.bounce_domains, *facts.feedback_domains}
    named = [unquoted(text).lower().rstrip(".") for text in value.after if text not in value.before]
    return [name for name in named if name in known]  # macros and patterns are no names that could be asked for


# -- notes and dangers -------------------------------------------------------------------------------------------------


def _told(
    plan: HostPlan, asked: Iterable[Owner], by_owner: Mapping[Owner, Sequence[DnsFinding]], *, required: bool
) -> HostPlan:
    own = [address for host, address in asked if host == plan.host]
    if not own:
        return plan
    notes: dict[DnsFinding, Diagnostic] = {}  # a key file and the line that names it have one record: it has one note
    changes: list[Change] = []
    for change in plan.changes:
        findings = by_owner.get((plan.host, change.address), ())
        grave = [finding for finding in findings if required and finding.level.value in _CODES]
        dangers = [
            Danger(_CODES[finding.level.value], f"{finding.summary}: {finding.subject}. {finding.detail}")
            for finding in grave
        ]
        changes.append(replace(change, dangers=(*change.dangers, *dangers)) if dangers else change)
        for finding in findings:
            if finding not in grave:
                notes.setdefault(finding, _note(finding, plan.host, change))
    right = () if any((plan.host, address) in by_owner for address in own) else (_right(plan.host, own),)
    return replace(plan, changes=tuple(changes), notes=(*plan.notes, *notes.values(), *right))


def _note(finding: DnsFinding, host: str, change: Change) -> Diagnostic:
    return finding.definition.diagnostic(
        f"{finding.subject}: {finding.detail}",
        change.place,
        host=host,
        address=change.address,
        severity=_SEVERITIES.get(finding.level.value, Severity.INFO),
    )


def _right(host: str, own: Sequence[str]) -> Diagnostic:
    shown = ", ".join(own[:3]) + (f" and {len(own) - 3} more" if len(own) > 3 else "")
    detail = f"{shown}: checked, and correct."
    return DNS_MATCHES.diagnostic(detail, host=host)
