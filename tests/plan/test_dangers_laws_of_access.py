"""Laws of dangers beside limits: signing, TLS, who may relay, and the shares of addresses.

What holds is judged by brute force over a small world: every sender, recipient, virtual MTA and client is asked one by
one, from the drawn data itself or through `Effective`, without any of the shortcuts that the checks take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.effective import Effective
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import find_dangers

MAIN = "/etc/pmta/config"
FACTOR = 3.0


def read(text: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: text.encode()})


def section(head: str, lines: list[str]) -> str:
    return "\n".join([f"<{head}>", *lines, f"</{head.split()[0]}>", ""])


def codes(before: str, after: str) -> set[str]:
    return {finding.code for finding in find_dangers(read(before), read(after), FACTOR)}


# -- signing -----------------------------------------------------------------------------------------------------------

Keys = list[tuple[str, str]]  # (selector, domain), as tried
SENDERS = ("shop.example", "news.shop.example", "other.example", "unnamed.example")
RECIPIENTS = ("gmail.com", "never-named.org")
KEYS = st.lists(
    st.tuples(st.sampled_from(("s1", "s2")), st.sampled_from(("shop.example", "news.shop.example", "*"))),
    max_size=3,
    unique=True,
)
SIGNED = st.fixed_dictionaries({"*": st.booleans()}, optional={"gmail.com": st.booleans()})


@dataclass(frozen=True)
class World:
    """Keys for all mail and for virtual MTA `a`, and for which recipients mail is signed."""

    top: Keys
    own: Keys
    signed: dict[str, bool]

    @property
    def text(self) -> str:
        top, own = (
            [f"domain-key {selector},{domain},/etc/pmta/{selector}.{domain[0]}.pem" for selector, domain in keys]
            for keys in (self.top, self.own)
        )
        domains = [
            section(f"domain {name}", [f"dkim-sign {'yes' if on else 'no'}"]) for name, on in self.signed.items()
        ]
        return "\n".join([*top, section("virtual-mta a", own), *domains])

    def signers(self) -> Iterator[tuple[str, str] | None]:
        """Who signs: the first key, those of the virtual MTA before the others, for the sender's domain or above it."""
        for keys in (self.top, [*self.own, *self.top]):
            for sender in SENDERS:
                fitting = [key for key in keys if key[1] == "*" or f".{sender}".endswith(f".{key[1]}")]
                for recipient in RECIPIENTS:
                    signs = self.signed.get(recipient, self.signed["*"])
                    yield fitting[0] if signs and fitting else None


WORLDS = st.builds(World, KEYS, KEYS, SIGNED)


@settings(max_examples=150, deadline=None)
@given(WORLDS, WORLDS)
def test_mail_that_is_no_longer_signed_is_found(before: World, after: World) -> None:
    pairs = list(zip(before.signers(), after.signers(), strict=True))
    reported = codes(before.text, after.text)
    if any(was and not now for was, now in pairs):
        assert "signing-key-removed" in reported
    if any(was and now and was[1] != now[1] for was, now in pairs):
        assert reported & {"signing-changed", "signing-key-removed"}
    if all(was == now for was, now in pairs):
        assert not {code for code in reported if code.startswith("signing")}


# -- TLS ---------------------------------------------------------------------------------------------------------------

TLS = {0: [], 1: ["use-starttls no"], 2: ["use-starttls yes"], 3: ["use-starttls yes", "require-starttls yes"]}
DOMAINS = ("*", "gmail.com", "[*.]example.com", "mail.example.com")
ASKED = ("gmail.com", "example.com", "mail.example.com", "never-named.org")
STARTTLS = st.dictionaries(st.sampled_from(DOMAINS), st.sampled_from(sorted(TLS)), max_size=4)


def tls_text(world: Mapping[str, int]) -> str:
    return section("virtual-mta a", []) + "".join(section(f"domain {d}", TLS[level]) for d, level in world.items())


def tls_level(effective: Effective, domain: str) -> int | None:
    """0: none, 1: where it is offered, 2: demanded; None where lines contradict each other."""
    values = effective.settings(domain, "a").values
    use, require = (values[name].text in ("yes", "true") for name in ("use-starttls", "require-starttls"))
    return None if require and not use else 2 if require else int(use)


@settings(max_examples=150, deadline=None)
@given(STARTTLS, STARTTLS)
def test_tls_that_is_dropped_or_demanded_is_found(before: dict[str, int], after: dict[str, int]) -> None:
    sides = [Effective(read(tls_text(world))) for world in (before, after)]
    pairs = [(tls_level(sides[0], domain), tls_level(sides[1], domain)) for domain in ASKED]
    reported = codes(tls_text(before), tls_text(after))
    for was, now in pairs:
        if was is None or now is None:
            return
        if now < was:
            assert "tls-dropped" in reported
        if now == 2 > was:
            assert "tls-required" in reported
    if all(was == now for was, now in pairs):
        assert not {code for code in reported if code.startswith("tls")}


# -- who may relay -----------------------------------------------------------------------------------------------------

NETWORKS = ("10.0.0.0/8", "10.1.0.0/16", "10.128.0.0/9", "10.0.0.0/9", "192.0.2.0/24", "0.0.0.0/0")
CLIENTS = tuple(map(ip_address, ("10.1.2.3", "10.9.9.9", "10.200.0.1", "192.0.2.7", "8.8.8.8")))
SWITCHES = {"always-allow-relaying": False, "smtp-service": True, "require-auth": False}  # with their defaults
SOURCES = st.dictionaries(
    st.sampled_from(NETWORKS), st.dictionaries(st.sampled_from(sorted(SWITCHES)), st.booleans()), max_size=4
)
Sources = dict[str, dict[str, bool]]


def sources_text(world: Sources) -> str:
    switches = {name: [f"{key} {'yes' if on else 'no'}" for key, on in one.items()] for name, one in world.items()}
    return "smtp-listener 0.0.0.0:25\n" + "".join(section(f"source {name}", lines) for name, lines in switches.items())


def is_on(world: Sources, switch: str, client: object) -> bool:
    """What the narrowest source that sets a switch says."""
    fitting = [ip_network(name) for name in world if client in ip_network(name) and switch in world[name]]
    narrowest = max(fitting, key=lambda network: network.prefixlen, default=None)
    return SWITCHES[switch] if narrowest is None else world[str(narrowest)][switch]


def relays(world: Sources, client: object) -> bool:
    may, service, login = (is_on(world, name, client) for name in SWITCHES)
    return may and service and not login


@settings(max_examples=200, deadline=None)
@given(SOURCES, SOURCES)
def test_who_may_relay_or_no_longer_may_is_found(before: Sources, after: Sources) -> None:
    reported = codes(sources_text(before), sources_text(after))
    if any(relays(after, client) and not relays(before, client) for client in CLIENTS):
        assert reported & {"open-relay", "relay-opened"}
    named = [ip_network(name) for name in (*before, *after) if not name.startswith("0")]
    feeders = [client for client in CLIENTS if any(client in network for network in named)]
    if any(relays(before, client) and not relays(after, client) for client in feeders):
        assert "submission-cut-off" in reported
    if all(is_on(before, switch, one) is is_on(after, switch, one) for switch in SWITCHES for one in CLIENTS):
        assert not reported


# -- shares ------------------------------------------------------------------------------------------------------------

ADDRESSES = {f"v{n}": f"192.0.2.{n}" for n in range(8)} | {"w": "192.0.2.0"}  # two virtual MTAs have one address
POOL = st.lists(st.sampled_from(sorted(ADDRESSES)), max_size=9, unique=True)


def pool_text(members: list[str]) -> str:
    sections = [section(f"virtual-mta {v}", [f"smtp-source-host {a} {v}.example.com"]) for v, a in ADDRESSES.items()]
    return "".join([*sections, section("virtual-mta-pool p", [f"virtual-mta {member}" for member in members])])


def shares(members: list[str]) -> Iterator[tuple[str, float]]:
    for address in dict.fromkeys(ADDRESSES.values()):
        yield address, sum(ADDRESSES[member] == address for member in members) / max(1, len(members))


@settings(max_examples=150, deadline=None)
@given(POOL, POOL)
def test_an_address_that_sends_many_times_its_share_is_found(before: list[str], after: list[str]) -> None:
    was, now = dict(shares(before)), dict(shares(after))
    reported = codes(pool_text(before), pool_text(after))
    if before and not after:
        assert "pool-emptied" in reported
    if any(0 < was[address] * FACTOR < now[address] - 1e-9 for address in was):
        assert "share-raised" in reported
    if was == now:
        assert not reported
