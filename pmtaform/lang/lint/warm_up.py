"""Warm-up of virtual MTAs, rollups, and SPF checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.domains import domains_with_hosts
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads


def _with_cold(facts: Facts) -> set[str]:
    """The virtual MTAs that have a cold one; `*` when a pool has, or when none is looked at closer."""
    names: set[str] = set()
    for line in facts.named("cold-virtual-mta", "auto-cold-virtual-mta"):
        owner = line.within
        names.add(owner.key if owner is not None and owner.tag == "virtual-mta" else "*")
    return names


@Rule(
    code="cold-limit-without-cold-virtual-mta",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="Warm-up limit without warm-up",
    explanation="It looks like a limit on sending, and limits nothing.",
    basis="guide 10.7",
    whole=True,
    reads=(Reads(at=("max-cold-virtual-mta-msg",), others=("cold-virtual-mta",)),),
    wrong="""
        <virtual-mta mta-a>
          <domain *>
            max-cold-virtual-mta-msg 200/day
          </domain>
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          cold-virtual-mta mta-b
          <domain *>
            max-cold-virtual-mta-msg 200/day
          </domain>
        </virtual-mta>
        <virtual-mta mta-b>
        </virtual-mta>
    """,
)
def cold_limit_without_cold_virtual_mta(facts: Facts) -> Iterator[Hit]:
    warm = _with_cold(facts)
    for line in facts.named("max-cold-virtual-mta-msg"):
        owner = line.within.within if line.within is not None else None
        general = owner is None or owner.tag != "virtual-mta"
        if line.scope == "domain" and not ("*" in warm or (general and warm) or (owner and owner.key in warm)):
            detail = (
                "Without cold-virtual-mta this has no effect, and does not limit sending. To limit it, write "
                "`max-msg-rate N/d`; "
                "to warm up addresses, add `cold-virtual-mta NAME` to the virtual MTA."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="cold-virtual-mta-unused",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="Cold virtual MTA without mail",
    explanation="The default of max-cold-virtual-mta-msg is 0/d.",
    basis="guide 10.7, 3.3.10.48",
    whole=True,
    reads=(Reads(at=("cold-virtual-mta",), others=("max-cold-virtual-mta-msg",)),),
    wrong="""
        <virtual-mta mta-a>
          cold-virtual-mta mta-b
        </virtual-mta>
        <virtual-mta mta-b>
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          cold-virtual-mta mta-b
          <domain *>
            max-cold-virtual-mta-msg 200/day
          </domain>
        </virtual-mta>
        <virtual-mta mta-b>
        </virtual-mta>
    """,
)
def cold_virtual_mta_unused(facts: Facts) -> Iterator[Hit]:
    if facts.by_name.get("max-cold-virtual-mta-msg") or not facts.complete:
        return
    for line in facts.named("cold-virtual-mta"):
        detail = (
            "No domain has max-cold-virtual-mta-msg, whose default is 0/d: no message goes to the cold virtual MTA. "
            "Add it, "
            "such as `max-cold-virtual-mta-msg 50/d,100/d,200/d`."
        )
        yield at(line, detail)


@Rule(
    code="rollup-without-hosts",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="Rollup of a wildcard without hosts",
    explanation="PowerMTA cannot infer the hosts of a wildcard.",
    basis="guide 10.17",
    whole=True,
    reads=(Reads(at=("<mx-rollup-list",), others=("smtp-hosts", "route")),),
    wrong="""
        <mx-rollup-list>
          mx *.example.net example.rollup
        </mx-rollup-list>
    """,
    right="""
        <mx-rollup-list>
          mx *.example.net example.rollup
        </mx-rollup-list>
        <domain example.rollup>
          smtp-hosts lookup-mx:example.net
        </domain>
    """,
)
def rollup_without_hosts(facts: Facts) -> Iterator[Hit]:
    with_hosts = domains_with_hosts(facts)
    for line in facts.named("mx"):
        words = line.value.lower().split()
        if line.scope != "mx-rollup-list" or len(words) < 2 or "*" not in words[0] or "rollup-by-ip" in words[2:]:
            continue
        if words[1] not in with_hosts and "*" not in with_hosts:
            detail = (
                f"PowerMTA cannot infer the hosts of a wildcard, and <domain {values.shown(words[1])}> has no "
                f"smtp-hosts. Add it, "
                "such as `smtp-hosts lookup-mx:example.com`, or write rollup-by-ip at the end of the rule."
            )
            yield at(line, detail, mark=line.value.split()[1])


_SENDERS: Final = ("smtp-source-host", "smtp-proxy-source-host", "smtp-source-ip")


@Rule(
    code="spf-check-without-source-host",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="SPF check that defers all mail",
    explanation="The check needs smtp-source-host or smtp-proxy-source-host; without, PowerMTA defers every attempt.",
    basis="guide 3.3.10.2",
    whole=True,
    reads=(Reads(at=("check-spf-outbound",), others=("smtp-source-", "smtp-proxy-source-host")),),
    wrong="""
        <domain *>
          check-spf-outbound yes
        </domain>
        <virtual-mta mta-a>
        </virtual-mta>
    """,
    right="""
        <domain *>
          check-spf-outbound yes
        </domain>
        <virtual-mta mta-a>
          smtp-source-host 192.0.2.1 a.example.com
        </virtual-mta>
        smtp-source-host 192.0.2.2 mail.example.com
    """,
)
def spf_check_without_source_host(facts: Facts) -> Iterator[Hit]:
    """Our own SPF is checked for an address that nothing names."""
    if not facts.complete or any(facts.settings(name) for name in _SENDERS):
        return
    for line in facts.named("check-spf-outbound"):
        owner = line.within.within if line.within is not None else None
        parts = facts.top("virtual-mta") if owner is None else [owner]
        if line.scope != "domain" or not line.is_true or any(part.named(name) for part in parts for name in _SENDERS):
            continue
        detail = (
            "SPF is checked for the address that mail leaves from, and no smtp-source-host names one: every attempt is "
            "deferred. Add smtp-source-host, or remove the line."
        )
        yield at(line, detail, mark=line.node.name)
