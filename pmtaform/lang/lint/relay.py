"""Who may send what through the server: open relays in all their forms, and what strangers may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads
from pmtaform.lang.lint.regex import matches_every_text, split_regex
from pmtaform.lang.values.networks import is_everyone, is_inside, network

_WIDE_V4: Final = 8  # bits of a network that no one owns alone
_WIDE_V6: Final = 19


def for_everyone(facts: Facts) -> list[Part]:
    """The sources that every client belongs to and is served in.

    Where <source 0/0> has `smtp-service no`, what else it says is only what more special sources start with.
    """
    every = _every(facts)
    closed = {part.key for part in every if part.is_set_to("smtp-service", False)}
    return [part for part in every if part.key not in closed]


def _every(facts: Facts) -> list[Part]:
    return [part for part in facts.by_tag.get("source", ()) if is_everyone(part.key)]


def _relaying(part: Part) -> Line | None:
    line = part.last("always-allow-relaying")
    return line if line is not None and line.is_true else None


@Rule(
    code="open-relay",
    severity=ERROR,
    family=Family.RELAYING,
    summary="Open relay",
    explanation="Anyone can send any mail through the server; its addresses end up on every block list.",
    basis="guide 3.3.1.32.1 and its warning",
    security=True,
    reads=(Reads(at=("always-allow-relaying",), others=("always-allow-relaying", "<source ")),),
    wrong="""
        <source 0/0>
          always-allow-relaying yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          always-allow-relaying yes
        </source>
    """,
)
def open_relay(facts: Facts) -> Iterator[Hit]:
    for part in for_everyone(facts):
        line = _relaying(part)
        if line is not None and not part.is_set_to("require-auth", True):
            detail = (
                f"{part.title} lets everyone send mail to any recipient. An open relay is found within the hour, and "
                "its addresses are blocked for weeks. Set it to no here; allow it in sources for trusted networks, "
                "or in those of authenticated users."
            )
            yield at(line, detail, mark=line.node.name)
    yield from _global_relaying(facts)


def _global_relaying(facts: Facts) -> Iterator[Hit]:
    """`always-allow-relaying yes` at top level: the guide describes it there, and shows it in sources."""
    line = facts.setting("always-allow-relaying")
    if line is None or not line.is_true:
        return
    refused = bool(_every(facts)) and all(part.is_set_to(line.name, False) for part in for_everyone(facts))
    detail = (
        "The guide leaves open whether this counts at top level: it describes it among the global directives, and "
        "shows it in sources. If it counts, every source without `always-allow-relaying no` is an open relay. Remove "
        "the line, and write `always-allow-relaying yes` into the sources of trusted clients."
    )
    yield at(line, detail, mark=line.node.name, severity=WARNING if refused else None)


@Rule(
    code="relay-behind-auth",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Open relay behind a login",
    explanation="If that line is removed or one account is guessed, everyone may relay.",
    basis="seen in published configurations",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 0/0>
          always-allow-relaying yes
          require-auth true
        </source>
    """,
    right="""
        <source 0/0>
          require-auth true
        </source>
    """,
)
def relay_behind_auth(facts: Facts) -> Iterator[Hit]:
    for part in for_everyone(facts):
        line = _relaying(part)
        if line is not None and part.is_set_to("require-auth", True):
            detail = (
                f"Only require-auth keeps {part.title} from being an open relay, and every client may guess "
                "passwords. Move always-allow-relaying into <source {auth}> or a named source of the users."
            )
            yield at(line, detail, mark=line.node.name)


def _listeners(facts: Facts) -> Iterator[tuple[Line, str, str]]:
    """Every listener that gives its clients a named source: (line, address, source)."""
    for line in facts.settings("smtp-listener"):
        address, *rest = line.value.split() or [""]
        for word in rest:
            if word.startswith("source="):
                yield line, address.rpartition(":")[0], word[7:]
    for part in facts.top("smtp-listener"):
        source = part.last("source")
        if source is not None:
            yield source, part.node.argument.rpartition(":")[0], source.value


@Rule(
    code="open-relay-listener",
    severity=ERROR,
    family=Family.RELAYING,
    summary="Open relay by a listener",
    explanation="A source that a listener gives to its clients applies to everyone who reaches the listener.",
    basis="guide 3.3.1.20, warning",
    security=True,
    reads=(Reads(at=("smtp-listener",), others=("<source ",)),),
    wrong="""
        <source partners>
          always-allow-relaying yes
        </source>
        smtp-listener 0/0:25 source=partners
    """,
    right="""
        <source partners>
          always-allow-relaying yes
        </source>
        smtp-listener 10.0.0.1:25 source=partners
    """,
)
def open_relay_listener(facts: Facts) -> Iterator[Hit]:
    sources = facts.defined("source")
    for line, address, name in _listeners(facts):
        part = sources.get(name)
        if part is None or is_inside(address) or network(address) is None:
            continue
        relaying = _relaying(part)
        if relaying is not None:
            auth = part.is_set_to("require-auth", True)
            detail = (
                f"Everyone who can reach {values.shown(address)} becomes {part.title}, which may relay to any recipient"
                + (", if only a login succeeds" if auth else "")
                + ". Listen on an internal address, or let the client's address or its login decide who may relay."
            )
            yield at(line, detail, mark=name, related=(relaying.place,), severity=WARNING if auth else None)


@Rule(
    code="open-relay-recipients",
    severity=ERROR,
    family=Family.RELAYING,
    summary="Mail accepted for every domain",
    explanation="relay-domain and relay-address open their recipients to everyone.",
    basis="inferred from guide 3.3.2",
    security=True,
    reads=BLOCK,
    wrong="relay-domain *",
    right="relay-domain example.com",
)
def open_relay_recipients(facts: Facts) -> Iterator[Hit]:
    for line in facts.settings("relay-domain"):
        domain = line.value.strip('"').lower()
        bare = domain.removeprefix("[*.]").removeprefix("*.")
        if domain == "*" or (bare != domain and "." not in bare and "$" not in bare):
            yield at(line, _recipients("every domain" if domain == "*" else f"every domain under {values.shown(bare)}"))
    for line in facts.settings("relay-address"):
        parts = split_regex(line.value)
        if parts is not None and not parts[0] and (matches_every_text(parts[1]) or parts[1] in ("@", ".*@.*", ".+@.+")):
            yield at(line, _recipients("every address"))


def _recipients(what: str) -> str:
    return (
        f"The server accepts mail for {what} from everyone, which makes it an open relay. List the domains that you "
        "receive mail for."
    )


@Rule(
    code="relay-wide-network",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Relay for a very wide network",
    explanation="No organisation has that many addresses; strangers are among them.",
    basis="inferred",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 128/1>
          always-allow-relaying yes
        </source>
    """,
    right="""
        <source 10/8>
          always-allow-relaying yes
        </source>
    """,
)
def relay_wide_network(facts: Facts) -> Iterator[Hit]:
    for part in facts.by_tag.get("source", ()):
        net = network(part.key)
        line = _relaying(part)
        if line is None or net is None or net.prefixlen == 0 or is_inside(part.key):
            continue
        if net.prefixlen <= (_WIDE_V4 if net.version == 4 else _WIDE_V6):
            detail = (
                f"{part.title} covers {net.num_addresses} addresses, and all of them may relay. Name only your own "
                "networks."
            )
            yield at(line, detail, mark=line.node.name)


def is_closed(facts: Facts) -> bool:
    """Whether strangers are not served."""
    return any(part.is_set_to("smtp-service", False) for part in _every(facts))
