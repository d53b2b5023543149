"""Virtual MTAs, pools, addresses, warm-up, rollups."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads, on_words, with_same_addresses


def _addresses(part: Part) -> Iterator[tuple[str, str, Line]]:
    """(address, host name, line) of every single address that a virtual MTA sends from."""
    for line in part.named("smtp-source-host"):
        words = line.value.split()
        if len(words) == 2 and values.parse_cidr(words[0]) and "/" not in words[0]:
            yield words[0], words[1].lower(), line
    for line in part.named("smtp-source-ip"):
        if values.parse_cidr(line.value) and "/" not in line.value:
            yield line.value, "", line


@Rule(
    code="address-used-twice",
    severity=INFO,
    family=Family.VIRTUAL_MTAS,
    summary="Address of two virtual MTAs",
    explanation="Receivers count by address: each of the virtual MTAs affects the reputation of the other.",
    basis="inferred from guide 8.2; one reverse name: RFC 1912 section 2.1",
    reads=(Reads(at=("smtp-source-",), which=with_same_addresses),),
    wrong="""
        <virtual-mta mta-a>
          smtp-source-host 192.0.2.1 a.example.com
        </virtual-mta>
        <virtual-mta mta-b>
          smtp-source-host 192.0.2.1 b.example.com
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          smtp-source-host 192.0.2.1 a.example.com
        </virtual-mta>
        <virtual-mta mta-b>
          smtp-source-host 192.0.2.2 b.example.com
        </virtual-mta>
    """,
)
def address_used_twice(facts: Facts) -> Iterator[Hit]:
    seen: dict[str, tuple[Part, str, Line]] = {}
    for part in facts.top("virtual-mta"):
        for address, host, line in _addresses(part):
            before = seen.setdefault(address, (part, host, line))
            owner, other, first = before
            if owner.key == part.key or first.node is line.node:
                continue
            differ = bool(host and other and host != other)
            detail = (
                f"{address} is also an address of {owner.title}. Receivers see one sender: limits and reputation are "
                f"shared, "
                "though each virtual MTA counts for itself."
                + (
                    f" It also uses another name there ({values.shown(other)}); an address has one reverse name."
                    if differ
                    else ""
                )
            )
            yield at(line, detail, mark=address, related=(first.place,), severity=WARNING if differ else None)


@Rule(
    code="pool-named-as-virtual-mta",
    severity=ERROR,
    family=Family.VIRTUAL_MTAS,
    summary="Pool with the name of a virtual MTA",
    explanation="PowerMTA rejects it.",
    basis="guide 8.3",
    reads=(Reads(at=("<virtual-mta-pool",), names=("virtual-mta",)),),
    wrong="""
        <virtual-mta mta-a>
        </virtual-mta>
        <virtual-mta-pool mta-a>
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
def pool_named_as_virtual_mta(facts: Facts) -> Iterator[Hit]:
    vmtas = facts.defined("virtual-mta")
    for part in facts.top("virtual-mta-pool"):
        other = vmtas.get(part.key)
        if other is not None:
            detail = (
                f"{values.shown(part.key)} is also the name of a virtual MTA, which PowerMTA rejects. Rename one of "
                "them."
            )
            yield on(part, detail, related=(other.place,))


@Rule(
    code="virtual-mta-in-two-pools",
    severity=ERROR,
    family=Family.VIRTUAL_MTAS,
    summary="Virtual MTA in two pools with domains",
    explanation="It is an error at load, because the domain settings of either pool could apply.",
    basis="guide 3.3.13.2",
    reads=on_words("<virtual-mta-pool"),
    wrong="""
        <virtual-mta mta-a>
        </virtual-mta>
        <virtual-mta-pool first>
          virtual-mta mta-a
          <domain *>
          </domain>
        </virtual-mta-pool>
        <virtual-mta-pool second>
          virtual-mta mta-a
          <domain *>
          </domain>
        </virtual-mta-pool>
    """,
    right="""
        <virtual-mta mta-a>
        </virtual-mta>
        <virtual-mta-pool first>
          virtual-mta mta-a
          <domain *>
          </domain>
        </virtual-mta-pool>
        <virtual-mta-pool second>
          virtual-mta mta-a
        </virtual-mta-pool>
    """,
)
def virtual_mta_in_two_pools(facts: Facts) -> Iterator[Hit]:
    home: dict[str, Part] = {}
    for pool in facts.top("virtual-mta-pool"):
        if not any(child.tag == "domain" for child in pool.parts):
            continue
        for line in pool.named("virtual-mta"):
            other = home.setdefault(line.value, pool)
            if other.key != pool.key:
                detail = (
                    f"Virtual MTA {values.shown(line.value)} is also in pool {values.shown(other.key)}, and both "
                    "pools have <domain> sections: it is undefined which one applies, and PowerMTA does not load the "
                    "configuration. Move the domain settings into the virtual MTA, or into one of the pools."
                )
                yield at(line, detail, related=(other.place,))


@Rule(
    code="empty-pool",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="Empty pool",
    explanation="Mail that is sent to the pool cannot be delivered.",
    basis="inferred from guide 8.3",
    reads=BLOCK,
    wrong="""
        <virtual-mta-pool all>
        </virtual-mta-pool>
    """,
    right="""
        <virtual-mta-pool all>
          virtual-mta mta-a
        </virtual-mta-pool>
    """,
)
def empty_pool(facts: Facts) -> Iterator[Hit]:
    for part in facts.top("virtual-mta-pool"):
        if not part.named("virtual-mta") and not part.named("include"):
            detail = f"{part.title} has no virtual MTA: mail that is sent to it cannot be delivered. Add a member."
            yield on(part, detail)


@Rule(
    code="unqualified-ehlo-name",
    severity=WARNING,
    family=Family.VIRTUAL_MTAS,
    summary="EHLO name without domain",
    explanation="RFC 5321 requires a full host name, and many receivers check it.",
    basis="RFC 5321 section 4.1.1.1; guide 3.3.1.16",
    reads=BLOCK,
    wrong="""
        <virtual-mta mta-a>
          smtp-source-host 192.0.2.1 mta1
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          smtp-source-host 192.0.2.1 mta1.example.com
        </virtual-mta>
    """,
)
def unqualified_ehlo_name(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("smtp-source-host"):
        words = line.value.split()
        if len(words) == 2 and "." not in words[1] and not any(c in words[1] for c in "${[Q"):
            detail = (
                f"{values.shown(words[1])} is not a full host name. Many receivers reject mail from a server with "
                "such an EHLO name."
            )
            yield at(line, detail, mark=words[1])
