"""Which key signs a message: by the domain of its identity, the keys of its virtual MTA, and its recipient's domain.

Keys are tried in order, those of the virtual MTA before its pool's and the global ones; the first whose domain is the
identity's or above it signs, and without one the message goes out unsigned (docs/powermta/language.md section 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from pmtaform.lang.effective.deciding import decide, specs_of
from pmtaform.lang.effective.model import SourceLine, Value
from pmtaform.lang.effective.patterns import Match
from pmtaform.lang.effective.reading import DOMAIN, SectionLines
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.effective.signing import KeyLine, key_line
from pmtaform.lang.values import parse_bool
from pmtaform.lang.values.text import lower_domain, unquoted

ANY: Final = "*"  # a key for every domain; and as a sender: a domain that no key names
KEY: Final = "domain-key"
LIST: Final = "domain-key-list"
_BY_HEADER: Final = "if-x-dkim-options-present"
_FROM_SENDER: Final = ("", "sender-or-from", "strict-from")


_SigningLines = tuple[tuple[str, tuple[str, ...]], ...]  # a section's lines about signing


class Signer(NamedTuple):
    """A key, and the line that gives it."""

    key: KeyLine
    line: SourceLine


class Keys:
    """Keys in their order, with what comes after them. Equal where the keys are the same in the same order."""

    def __init__(self, signers: Iterable[Signer], then: Keys | None = None) -> None:
        self.signers = tuple(signers)
        self.then = then
        self.order = tuple(signer.key for signer in self.signers)

    @cached_property
    def _first(self) -> dict[str, tuple[int, Signer]]:
        first_by_domain: dict[str, tuple[int, Signer]] = {}
        for number, signer in enumerate(self.signers):
            first_by_domain.setdefault(signer.key.domain, (number, signer))
        return first_by_domain

    @property
    def domains(self) -> Iterator[str]:
        """Every domain that a key is for."""
        return iter(self._first)

    def signer(self, domain: str) -> Signer | None:
        """The first key that fits a domain; `*` means a domain that no key names."""
        fitting = [self._first[name] for name in _upwards(domain) if name in self._first]
        fitting = [
            candidate
            for candidate in fitting
            if candidate[1].key.domain in (domain, ANY) or "{" not in candidate[1].key.path
        ]
        if fitting:
            return min(fitting)[1]
        return self.then.signer(domain) if self.then is not None else None


def _upwards(domain: str) -> Iterator[str]:
    yield ANY
    if domain != ANY:
        yield domain
        at = domain.find(".")
        while at >= 0:
            yield domain[at + 1 :]
            at = domain.find(".", at + 1)


@dataclass(frozen=True, slots=True)
class SignerRule:
    """How a queue has its mail signed. `identity` and `fallback` are empty where the sender of the message counts.

    `by_header`: only mail that brings its own options is signed.
    """

    identity: str = ""
    fallback: str = ""
    by_header: bool = False
    second: bool = False

    @property
    def domain(self) -> str:
        """The domain that the identity names; empty where the sender counts."""
        return _domain_of(self.identity)

    def signer(self, keys: Keys, sender: str) -> Signer | None:
        """The key that signs mail of a sender's domain."""
        signer = keys.signer(self.domain or sender)
        return signer or (keys.signer(_domain_of(self.fallback)) if self.fallback else None)


def _domain_of(identity: str) -> str:
    return lower_domain(identity.rpartition("@")[2])


def rule_of(values: Mapping[str, Value], *, second: bool = False, assumed: bool = False) -> SignerRule | None:
    """How these settings of a queue sign; None: they do not. `assumed`: unset `dkim-sign` counts as yes."""
    prefix = "second-" if second else ""

    def text(name: str) -> str:
        value = values.get(prefix + name)
        return unquoted(value.values[-1]).strip() if value is not None and value.values else ""

    switch, value = text("dkim-sign").lower(), values.get(prefix + "dkim-sign")
    by_header = switch == _BY_HEADER
    unset = not second and (value is None or not value.is_set)
    if not (by_header or parse_bool(switch) or (assumed and unset)):
        return None
    identity, fallback = text("dkim-identity").lower(), text("dkim-identity-fallback").lower()
    fixed = "" if identity in _FROM_SENDER else identity
    return SignerRule(fixed, "" if fallback in _FROM_SENDER else fallback, by_header, second)


@dataclass(slots=True)
class Signing:
    """One configuration's keys and rules."""

    effective: Effective
    assumed: bool = False
    _own: dict[str, Keys] = field(default_factory=dict)
    _top: Keys | None = None
    _rules: dict[tuple[int, ...], frozenset[SignerRule]] = field(default_factory=dict)
    _chains: dict[tuple[object, ...], list[SignerRule]] = field(default_factory=dict)
    _bodies: dict[int, _SigningLines] = field(default_factory=dict)

    @property
    def top(self) -> Keys:
        """The global keys."""
        if self._top is None:
            self._top = Keys(self._signers(self.effective.reading.lines.get(KEY, ())))
        return self._top

    def keys(self, vmta: str) -> Keys:
        """The keys of a virtual MTA, its pools' and the global ones after its own."""
        if vmta not in self._own:
            reading = self.effective.reading
            owner = reading.virtual_mtas.get(vmta)
            owners = [*([owner] if owner else []), *(reading.pools[pool] for pool in reading.pools_of.get(vmta, ()))]
            lines = [line for layer in owners for part in layer.settings for line in part if line.name == KEY]
            self._own[vmta] = Keys(self._signers(lines), self.top)
        return self._own[vmta]

    def keys_of_pool(self, pool: str) -> tuple[KeyLine, ...]:
        """The keys that a pool itself gives to its members."""
        owner = self.effective.reading.pools.get(pool)
        lines = (line for part in owner.settings for line in part) if owner is not None else ()
        return tuple(signer.key for signer in self._signers(line for line in lines if line.name == KEY))

    @property
    def lists(self) -> dict[str, Keys]:
        """The keys of each `domain-key-list`; nothing comes after them."""
        lines: dict[str, list[SourceLine]] = {}
        for nodes in self.effective.reading.sections.get(LIST, ()):
            name = unquoted(nodes.section.argument)
            lines.setdefault(name, []).extend(nodes.lines(LIST, f"<{LIST} {name}>"))
        return {name: Keys(self._signers(line for line in own if line.name == KEY)) for name, own in lines.items()}

    def _signers(self, lines: Iterable[SourceLine]) -> Iterator[Signer]:
        for line in lines:
            key = key_line(line.value)
            if key is not None:
                names = self.effective.names.of(key.domain) if "$" in key.domain else (lower_domain(key.domain),)
                yield from (Signer(key._replace(domain=name), line) for name in names)

    def rules(self, vmta: str) -> frozenset[SignerRule]:
        """Every rule by which mail of a virtual MTA is signed, to whichever domain."""
        indexes = [index for _, index in self.effective.layers(vmta)]
        shape = tuple(id(index) for index in indexes if not index.is_empty)
        if shape not in self._rules:
            asked = dict.fromkeys(name for index in indexes for name in index.asked_for_by(_has_signing))
            asked[ANY] = None
            self._rules[shape] = frozenset(rule for domain in asked for rule in self._of(domain, vmta))
        return self._rules[shape]

    def _of(self, domain: str, vmta: str) -> list[SignerRule]:
        """The rules for one domain; domains whose sections say the same of signing are looked at once."""
        matches = self.effective.matches(domain, vmta)
        chain = tuple((match.key, self._settings(match.body)) for match in matches)
        if chain not in self._chains:
            rules = (self._rule(matches, second=second) for second in (False, True))
            self._chains[chain] = [rule for rule in rules if rule is not None]
        return self._chains[chain]

    def _settings(self, body: SectionLines) -> _SigningLines:
        if id(body) not in self._bodies:
            lines = ((name, tuple(line.value for line in lines)) for name, lines in body.lines.items())
            self._bodies[id(body)] = tuple(item for item in lines if "dkim-" in item[0])
        return self._bodies[id(body)]

    def _rule(self, matches: list[Match], *, second: bool) -> SignerRule | None:
        prefix = "second-" if second else ""
        names = [prefix + name for name in ("dkim-sign", "dkim-identity", "dkim-identity-fallback")]
        decided = {name: decide(name, specs_of(DOMAIN).get(name), matches) for name in names}
        known = {name: value for name, value in decided.items() if value is not None}
        return rule_of(known, second=second, assumed=self.assumed)


def _has_signing(body: SectionLines) -> bool:
    return any("dkim-" in name for name in body.lines)


def has_signing_lines(effective: Effective) -> bool:
    """Whether any domain says whether mail is signed."""
    reading = effective.reading
    owners = (owner for owner in (*reading.virtual_mtas.values(), *reading.pools.values()) if _may_sign(owner.written))
    bodies = chain(
        (body for body in reading.domains if _may_sign(None if body.written is None else (body.written,))),
        (body for owner in owners for body in owner.domains),
    )
    return any(name in body.lines for body in bodies for name in ("dkim-sign", "second-dkim-sign"))


def _may_sign(texts: tuple[str, ...] | None) -> bool:
    """Whether one of the texts may have a line on signing: a look that makes no nodes."""
    return texts is None or any("dkim-sign" in text.lower() for text in texts)
