"""The entrance: one configuration, asked for any queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

from pmtaform.lang.effective import deciding
from pmtaform.lang.effective.model import DEFAULT_VMTA, Assumption, EffectiveSettings, Value
from pmtaform.lang.effective.owners import owner_lines, owner_meaning, owner_values
from pmtaform.lang.effective.patterns import DomainIndex, Match, Names, plain
from pmtaform.lang.effective.reading import DOMAIN, EffectiveReading, Owner, SectionLines
from pmtaform.lang.effective.sources import Sources
from pmtaform.lang.effective.unseen import web_addresses
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive
from pmtaform.lang.values import parse_bool
from pmtaform.lang.values.text import unquoted

KEY: Final = "domain-key"


class Effective:
    """What PowerMTA would use with `configuration`, by the guides; where they are silent, it reports its assumptions.

    `defaults` is the vendor's config-defaults, which is loaded too; it is read first. `beside` is another side of a
    comparison: what is the same in both is read once. A queue is a domain and a
    virtual MTA; `{default}` is the implicit one. A domain that is a wildcard (`*.example.com`, `*`) means any
    domain that it covers and nothing closer names.
    """

    def __init__(
        self, configuration: Configuration, defaults: Configuration | None = None, beside: Effective | None = None
    ) -> None:
        self.configuration = configuration
        self.reading: EffectiveReading = EffectiveReading.of(
            configuration, defaults, beside.reading if beside is not None else None
        )
        self.names = Names(self.reading.macros)
        self._owners: dict[str, DomainIndex] = {}
        self._meanings: dict[tuple[object, ...], dict[str, tuple[str, ...]]] = {}
        self._has_defaults = defaults is not None

    @cached_property
    def top(self) -> DomainIndex:
        """The domains at top level."""
        return DomainIndex.of(self.reading.domains, self.names)

    @cached_property
    def sources(self) -> Sources:
        """The sources, asked for clients."""
        return Sources(self.reading)

    @cached_property
    def web_addresses(self) -> tuple[str, ...]:
        """The web addresses that it includes, which are not followed."""
        return web_addresses(self.configuration)

    def virtual_mtas(self) -> tuple[str, ...]:
        """`{default}` and every virtual MTA, in the order of the configuration."""
        return tuple(dict.fromkeys((DEFAULT_VMTA, *self.reading.virtual_mtas)))

    def pools(self) -> tuple[str, ...]:
        """Every pool, in the order of the configuration."""
        return tuple(self.reading.pools)

    def knows(self, vmta: str) -> bool:
        """Whether a virtual MTA or a pool has this name."""
        return vmta == DEFAULT_VMTA or vmta in self.reading.virtual_mtas or vmta in self.reading.pools

    def layers(self, vmta: str) -> list[tuple[int, DomainIndex]]:
        """The domains that count for a virtual MTA: its own, its pools', those at top level."""
        own = self.reading.virtual_mtas.get(vmta)
        layers = [(2, self._index(own))] if own else []
        pools = [vmta] if own is None and vmta in self.reading.pools else self.reading.pools_of.get(vmta, [])
        layers += [(1, self._index(self.reading.pools[pool])) for pool in pools]
        return [*layers, (0, self.top)]

    def shape(self, vmta: str) -> tuple[tuple[int, int], ...]:
        """The layers that have sections: virtual MTAs with equal shapes are under the same sections."""
        return tuple((layer, id(index)) for layer, index in self.layers(vmta) if not index.is_empty)

    def _index(self, owner: Owner) -> DomainIndex:
        if owner.title not in self._owners:
            self._owners[owner.title] = DomainIndex.of(owner.domains, self.names)
        return self._owners[owner.title]

    def matches(self, domain: str, vmta: str) -> list[Match]:
        """The sections that a queue falls under, the strongest first; each once, by its closest name."""
        domain = plain(domain)
        local = domain in self.reading.host_names
        closest: dict[int, Match] = {}
        for layer, index in self.layers(vmta):
            for match in index.matches(domain, layer, is_local=local):
                known = closest.get(id(match.body))
                if known is None or known.key < match.key:
                    closest[id(match.body)] = match
        return sorted(closest.values(), key=lambda match: (match.key, match.body.order), reverse=True)

    def settings(self, domain: str, vmta: str = DEFAULT_VMTA) -> EffectiveSettings:
        """Every value that holds for the queue `domain/vmta`. An unknown virtual MTA has no lines."""
        domain = plain(domain)
        known = deciding.with_defaults(self._set_by_lines(domain, vmta), DOMAIN, domain)
        own = self.owner_values(vmta)
        queue_to = known["queue-to"].values
        return EffectiveSettings(
            domain=domain,
            vmta=vmta,
            values=known,
            virtual_mta=own,
            notes=tuple(self._notes(domain, vmta, known)),
            queue_to=plain(queue_to[0]) if queue_to else "",
        )

    def values(self, domain: str, vmta: str, names: Iterable[str]) -> dict[str, Value]:
        """As `settings`, of these directives only."""
        wanted = dict.fromkeys(names)
        specs = [spec for name in wanted if (spec := deciding.specs_of(DOMAIN).get(name)) is not None]
        by_name = self._set_by_lines(domain, vmta, {*wanted, *map(deciding.fallback_of, specs)})
        unset = (spec for spec in specs if spec.name not in by_name)
        by_name |= {spec.name: deciding.default_of(spec, by_name, plain(domain)) for spec in unset}
        return {name: by_name[name] for name in wanted if name in by_name}

    def _set_by_lines(self, domain: str, vmta: str, names: Iterable[str] | None = None) -> dict[str, Value]:
        matches = self.matches(domain, vmta)
        by_name = deciding.values_by_name(matches, names)
        doubtful = {match.body.title for match in matches if self._from_doubled_macro(match.body)}
        return {name: _doubt(value, doubtful) for name, value in by_name.items()} if doubtful else by_name

    def queue_to(self, domain: str, vmta: str) -> str:
        """The queue that `queue-to` puts a domain's mail in; empty without one."""
        named = self.meaning(domain, vmta, ("queue-to",)).get("queue-to", ())
        return plain(named[0]) if named else ""

    def meaning(self, domain: str, vmta: str, names: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
        """What lines set for a queue, in normal form: equal meanings are no difference to PowerMTA.

        `names`: of no other directives.
        """
        matches = self.matches(domain, vmta)
        if names is not None:
            return deciding.meaning(matches, names)
        key = tuple((id(match.body), match.key) for match in matches)
        if key not in self._meanings:
            self._meanings[key] = deciding.meaning(matches)
        return self._meanings[key]

    def owner_values(self, vmta: str) -> dict[str, Value]:
        """Every directive of a virtual MTA itself, with what it is."""
        return owner_values(self.reading, vmta)

    def owner_meaning(self, vmta: str, names: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
        """What lines set for a virtual MTA itself, in normal form; `names`: of no other directives."""
        return owner_meaning(self.reading, vmta, names)

    def owner_lines(self, vmta: str, names: Collection[str] | None = None) -> dict[str, Value]:
        """What lines set for a virtual MTA itself; `names`: of no other directives."""
        return owner_lines(self.reading, vmta, names)

    def domains(self, vmta: str = DEFAULT_VMTA) -> list[str]:
        """One domain for each class of domains that may differ for a virtual MTA; `*` is any other."""
        layers = [index for _, index in self.layers(vmta)]
        asked = dict.fromkeys(name for index in layers for name in index.asked_for())
        if any(index.local for index in layers):
            asked |= dict.fromkeys(sorted(self.reading.host_names))
        return [*asked, "*"]

    def pairs_of_interest(self) -> Iterator[tuple[str, str]]:
        """(domain, virtual MTA): every domain for `{default}`, and for each virtual MTA what it and its pool name."""
        for domain in self.domains():
            yield domain, DEFAULT_VMTA
        for vmta in self.reading.virtual_mtas:
            own = (name for layer, index in self.layers(vmta) if layer for name in index.asked_for())
            for domain in dict.fromkeys((*own, "*")):
                yield domain, vmta

    def backoff_begins(self, settings: EffectiveSettings) -> bool:
        """Whether anything in the configuration puts the queue into back-off (docs/powermta/language.md section 10)."""
        at_last = settings.values["backoff-upon-all-sources-disabled"].values
        if at_last and parse_bool(at_last[0]):
            return True
        names = settings.values["smtp-pattern-list"].values
        lists = self.reading.pattern_lists.get(unquoted(names[0]), []) if names else []
        nodes = (node for content in lists for _, node in content.walk())
        return any(isinstance(node, Directive) and "mode=backoff" in node.value for node in nodes)

    # -- notes -------------------------------------------------------------------------------------------------------

    def _notes(self, domain: str, vmta: str, values: dict[str, Value]) -> Iterator[str]:
        """What a reader of the values has to know besides them."""
        target = values["queue-to"]
        if target.values and plain(target.values[0]) != domain:
            yield (
                f"queue-to puts this mail in the queue {plain(target.values[0])}/{vmta}: once there, the settings of "
                "that queue hold, not these."
            )
        rolled = parse_bool(values["disable-mx-rollup"].values[0]) if values["disable-mx-rollup"].values else False
        if self.reading.rollups and not rolled and not domain.endswith((".rollup", "}")):
            yield (
                "An <mx-rollup-list> is there: if the domain's MX matches one of its rules, the settings of that "
                ".rollup queue hold. That depends on DNS, which is not queried."
            )
        for name in ("reroute-to-virtual-mta",):
            if values[name].values:
                yield f"{name} moves this mail to the virtual MTA {values[name].text}, whose settings then hold."
        if not self.knows(vmta):
            yield f"No virtual MTA is called {vmta}; only the top level counts."
        pools = [p for p in self.reading.pools_of.get(vmta, ()) if self.reading.pools[p].domains]
        if len(pools) > 1:
            yield f"{vmta} is in several pools with domains ({', '.join(pools)}), which PowerMTA does not load."
        if vmta in self.reading.pools and vmta not in self.reading.virtual_mtas:
            yield f"{vmta} is a pool: mail is queued for its members, which may have other settings."
        if self._has_macro_key(vmta):
            yield (
                f"Keys of {vmta} go before those at top level, also where a macro makes its key and the other is "
                "written out (2020 guide 3.3.1.43.1)."
            )
        for argument in self.names.cut:
            yield f"<domain {argument}> has too many names to check all of them."
        for address in self.web_addresses:
            yield f"include {address} was not read: its settings are not known, and may change any of these values."
        if not self._has_defaults:
            yield (
                "Only the configuration was read, not PowerMTA's own config-defaults: where nothing is set, the "
                "guide's default is shown."
            )

    def _has_macro_key(self, vmta: str) -> bool:
        """Whether a virtual MTA has a key from a macro, and there are keys at top level that come after it."""
        owner = self.reading.virtual_mtas.get(vmta)
        own = (line for lines in owner.lines for line in lines if line.name == KEY) if owner is not None else ()
        return KEY in self.reading.lines and any("$" in line.value for line in own)

    def _from_doubled_macro(self, body: SectionLines) -> bool:
        return "$" in body.argument and any(f"${name}" in body.argument for name in self.reading.twice)


def _doubt(value: Value, sections: set[str]) -> Value:
    if not any(line.section in sections for line in value.lines):
        return value
    return replace(value, assumptions=(*value.assumptions, Assumption.SAME_MACRO_TWICE))
