"""Which changes need consent by name, and why, in words.

Each check is a function from a change's facts to dangers. The facts of PowerMTA behind them: LANGUAGE.md sections 11
to 13, OPERATIONS.md section 3, MISTAKES.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from pmtaform.lang import values
from pmtaform.lang.blocks import SETTING, Address, Block, directives_in, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact
from pmtaform.lang.tree import Directive, Section
from pmtaform.plan.model import Action, Danger

# Every danger there is, with one line for `--help` and the documentation.
CODES = {
    "restart": "PowerMTA, or its web monitor, has to be restarted for the change to take effect",
    "open-relay": "anyone may relay through the server",
    "relay-opened": "more clients or recipients may relay through the server",
    "access-opened": "the web monitor opens to more addresses",
    "signing-key-removed": "mail goes out unsigned, or signed with another key",
    "signing-key-replaced": "signatures fail until DNS shows the new key",
    "source-address-removed": "mail leaves from other addresses than before",
    "virtual-mta-removed": "mail that is queued for a virtual MTA bounces",
    "pool-emptied": "a pool has no virtual MTA left",
    "rate-raised": "a limit is raised many times over",
    "many-deletions": "a large part of a host's configuration is deleted",
    "dns-wrong": "DNS does not say what the change needs, and the stack requires it",
    "dns-unknown": "DNS could not be asked whether it says what the change needs, and the stack requires it",
    "certificate-expired": "a certificate is put on a host that has expired",
    "named-file-removed": "a file is deleted that the configuration still names",
    "licence-removed": "PowerMTA's licence is deleted, and without it PowerMTA does not start again",
}
# What needs consent by name as well, and is found only when hosts are to be changed.
CONSENTS = {
    "undrained": "PowerMTA is restarted though more waits in its spool than `drain-below` allows",
    "frozen": "a host is changed though the stack has frozen it",
}

_LIMITS = frozenset({"rate", "cidr-rate", "volume-rate", "cidr-int"})
_COUNT_LIMITS = frozenset({"max-smtp-out", "backoff-max-smtp-out", "max-msg-per-connection", "total-max-smtp-out"})
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
    rate_factor: float
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


def _addresses(facts: Facts) -> Iterator[Danger]:
    if facts.address.kind == "virtual-mta" and facts.action is Action.DELETE:
        yield Danger(
            "virtual-mta-removed",
            f"Mail queued for virtual MTA {facts.address.key} bounces (5.3.5) once it is gone. Drain, reroute or pause "
            "its queues first.",
        )
        return
    for name in ("smtp-source-host", "smtp-source-ip", "smtp-proxy-source-host"):
        for value in facts.lost(name):
            lost = value.split()[0] if value.split() else value
            if lost not in [v.split()[0] for _, v in facts.values(facts.after, name) if v.split()]:
                yield Danger("source-address-removed", f"{facts.address} no longer sends from {values.shown(lost)}.")


def _pools(facts: Facts) -> Iterator[Danger]:
    if facts.address.kind != "virtual-mta-pool":
        return
    had = facts.values(facts.before, "virtual-mta")
    if had and not facts.values(facts.after, "virtual-mta"):
        yield Danger(
            "pool-emptied",
            f"Pool {facts.address.key} has no virtual MTA left; mail that is directed to it has nowhere to go.",
        )


def _rates(facts: Facts) -> Iterator[Danger]:
    if facts.before is None or facts.after is None:
        return
    before, after = _limits(facts.before), _limits(facts.after)
    for key, old in before.items():
        new = after.get(key)
        factor = _raised(old, new)
        if factor is not None and factor > facts.rate_factor:
            path, name, _ = key
            where = " ".join((*path, name))
            times = "without limit" if factor == float("inf") else f"{factor:.0f} times as much"
            shown = new[1] if new else "unlimited (the line is gone)"
            yield Danger(
                "rate-raised",
                f"{facts.address}: {where} goes from {old[1]} to {shown}, {times}. Receivers that see a sudden burst "
                "throttle or block the address for weeks.",
            )


_Limit = tuple[str, str]  # (kind of value, value)


def _limits(block: Block) -> dict[tuple[tuple[str, ...], str, str], _Limit]:
    """The limits of a block: (sections around it, directive, the addresses it is for) -> (kind, value)."""
    found: dict[tuple[tuple[str, ...], str, str], _Limit] = {}
    for part, path, directive in directives_in(block):
        scope = _scope(part.node, path)
        spec = spec_of(scope, directive.name)
        if spec is None or (spec.type not in _LIMITS and spec.name not in _COUNT_LIMITS):
            continue
        network, value = "", directive.value
        if spec.type.startswith("cidr-"):
            network, _, value = directive.value.partition(" ")
        found[path, spec.name, network] = (spec.type.removeprefix("cidr-"), value.strip())
    return found


def _scope(node: Directive | Section, path: Sequence[str]) -> str:
    if path:
        return path[-1].split("[", 1)[0]
    return node.tag if isinstance(node, Section) else GLOBAL


def _raised(old: _Limit, new: _Limit | None) -> float | None:
    """How many times more `new` allows than `old`; None when that cannot be said."""
    kind, before = old
    after = new[1] if new else "unlimited"
    if kind == "int":
        if not before.isdigit() or int(before) == 0:
            return None
        if new is None:
            return None  # back to the default, which is a limit too
        return int(after) / int(before) if after.isdigit() else float("inf")
    if kind == "volume-rate":
        return _volume_raised(before, after)
    return values.faster_by(values.parse_rate(before), values.parse_rate(after))


def _volume_raised(before: str, after: str) -> float | None:
    old_size, _, old_time = before.partition("/")
    new_size, _, new_time = after.partition("/")
    old = values.parse_size(old_size)
    if old is None or not old_time:
        return None
    if after == "unlimited":
        return float("inf")
    new = values.parse_size(new_size)
    if new is None or new.number is None or old.unit != new.unit or not old.number:
        return None
    unit = values.faster_by(values.parse_rate(f"1/{old_time}"), values.parse_rate(f"1/{new_time}"))
    return None if unit is None else unit * new.number / old.number


_CHECKS: tuple[Callable[[Facts], Iterator[Danger]], ...] = (
    _restart,
    _relay,
    _access,
    _signing,
    _addresses,
    _pools,
    _rates,
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
