"""Dangers that one change of one block shows by itself, without looking at its effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from pmtaform.lang import values
from pmtaform.lang.blocks import SETTING, Address, Block, directives_in, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact
from pmtaform.plan.model import Action, Danger

_LOOPBACK = ("127.", "::1")
_SAFE_SOURCES = ("{auth}", "{pickup}", "{transmissions-api}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a danger is decided from. `before` or `after` is None where the block is not there."""

    address: Address
    action: Action
    before: Block | None
    after: Block | None
    impact: Impact
    listener_sources: frozenset[str] = frozenset()  # named sources that a listener gives to every client

    def values(self, block: Block | None, name: str) -> list[tuple[tuple[str, ...], str]]:
        """Every value of a directive in one side of the change, with the sections around it."""
        if block is None:
            return []
        return [(path, d.value) for _, path, d in directives_in(block) if d.name.lower() == name]

    def gained(self, name: str) -> list[str]:
        """Normalised values that the directive has after the change and had not before."""
        had = {(path, _plain(name, value)) for path, value in self.values(self.before, name)}
        return [v for path, v in self.values(self.after, name) if (path, _plain(name, v)) not in had]

    def lost(self, name: str) -> list[str]:
        """Normalised values that the directive had before the change and has no longer."""
        has = {(path, _plain(name, value)) for path, value in self.values(self.after, name)}
        return [v for path, v in self.values(self.before, name) if (path, _plain(name, v)) not in has]


def dangers_of(facts: Facts) -> tuple[Danger, ...]:
    """Every danger of one change."""
    return tuple(danger for check in _CHECKS for danger in check(facts))


def _plain(name: str, value: str) -> str:
    return values.normalise(spec_of(GLOBAL, name), value)


def _restart(facts: Facts) -> Iterator[Danger]:
    if facts.impact is Impact.RESTART:
        yield Danger(
            "restart",
            f"{facts.address} takes effect only after a restart. A restart ends connections, returns every queue to "
            "normal mode and starts retry lists over; a failed start stops all mail.",
        )


def _relay(facts: Facts) -> Iterator[Danger]:
    if facts.address.kind == "source":
        yield from _relaying_source(facts)
    for name in ("relay-domain", "relay-address"):
        for value in facts.gained(name):
            everything = value.strip() in ("*", "/.*/", "//", "/./", "/@/")
            yield Danger(
                "open-relay" if everything else "relay-opened",
                f"`{name} {values.shown(value)}` makes the server accept mail for these recipients from everyone.",
            )


def _relaying_source(facts: Facts) -> Iterator[Danger]:
    def allows(block: Block | None) -> bool:
        found = facts.values(block, "always-allow-relaying")
        return bool(found) and values.parse_bool(found[-1][1]) is True

    source = facts.address.key
    if not allows(facts.after) or allows(facts.before) or source.startswith(_LOOPBACK) or source in _SAFE_SOURCES:
        return
    everyone = source in ("0.0.0.0/0", "::/0") or source in facts.listener_sources
    network = values.parse_cidr(source) is not None
    if everyone:
        yield Danger(
            "open-relay",
            f"<source {source}> lets everyone relay to any recipient (`always-allow-relaying yes`). An open relay is "
            "found within the hour. Put relaying into sources for trusted addresses or for authenticated users.",
        )
    elif network:
        yield Danger("relay-opened", f"Every client in {source} may relay to any recipient (`always-allow-relaying`).")


_LEVELS = {"none": 0, "monitor,deny-logs": 1, "monitor": 2, "operator": 3, "admin": 4}


def _access(facts: Facts) -> Iterator[Danger]:
    before = [_grant(value) for _, value in facts.values(facts.before, "http-access")]
    for value in facts.gained("http-access"):
        network, level = _grant(value)
        if level == "none" or network.startswith(_LOOPBACK) or _had_access(before, network, level):
            continue
        yield Danger(
            "access-opened",
            f"`http-access {values.shown(value)}` gives {network} {level} access to the web monitor"
            + (", which can change the configuration and every queue." if level == "admin" else "."),
        )


def _grant(value: str) -> tuple[str, str]:
    network, _, level = value.strip().partition(" ")
    return network, "".join(level.split()).lower()


def _had_access(before: Sequence[tuple[str, str]], network: str, level: str) -> bool:
    """Whether the first line that covers all of `network` gave it as much: the list is read from the top."""
    wanted = _network(network)
    for other, had in before:
        covers = _network(other)
        if wanted is None or covers is None or wanted.version != covers.version:
            continue
        if wanted.subnet_of(covers):  # type: ignore[arg-type]  # of one version, as was just compared
            return _LEVELS.get(had, 0) >= _LEVELS.get(level, len(_LEVELS))
        if wanted.overlaps(covers) and _LEVELS.get(had, 0) < _LEVELS.get(level, len(_LEVELS)):
            return False
    return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    plain = values.parse_cidr(text)
    return None if plain is None else ip_network(plain, strict=False)


def _signing(facts: Facts) -> Iterator[Danger]:
    if facts.address.kind == "dkim-key":
        return
    for value in facts.lost("domain-key"):
        fields = [field.strip() for field in value.split(",")]
        kept = {v.split(",")[1].strip() for _, v in facts.values(facts.after, "domain-key") if v.count(",") >= 2}
        if len(fields) >= 2 and fields[1] in kept:
            continue  # another selector signs for the same domain: a rotation
        yield Danger(
            "signing-key-removed",
            f"`domain-key {values.shown(value)}` goes, and no other key of {facts.address} signs for that domain: its "
            "mail goes out unsigned.",
        )


_CHECKS: tuple[Callable[[Facts], Iterator[Danger]], ...] = (
    _restart,
    _relay,
    _access,
    _signing,
)


def many_deletions(deleted: int, total: int, percent: float, free: int) -> tuple[Danger, ...]:
    """The danger that a host loses a large part of its blocks at once."""
    if deleted <= free or total == 0 or deleted * 100 <= percent * total:
        return ()
    return (
        Danger(
            "many-deletions",
            f"{deleted} of {total} blocks would be deleted, more than {percent:g} %. If that is meant, consent to it; "
            "if not, look for a layer, a group or a file that the stack has lost.",
        ),
    )


def listener_sources(blocks: Sequence[Block]) -> frozenset[str]:
    """The named sources that some listener gives to every client that connects to it."""
    found: set[str] = set()
    for block in blocks:
        if block.address == Address(SETTING, "smtp-listener"):
            for _, _, directive in directives_in(block):
                found |= {w.partition("=")[2] for w in directive.value.split() if w.lower().startswith("source=")}
        elif block.address.kind == "smtp-listener":
            found |= {d.value for _, _, d in directives_in(block) if d.name.lower() == "source"}
    return frozenset(found)
