"""The rotation of a stack's keys over its fleet: the status of each key, and what its hosts should have.

history + store + DNS ─▶ what hosts should have ─▶ survey ─▶ what hosts sign with ─▶ again, if that differs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pmtaform.clock import check_ahead
from pmtaform.dkim.observation import KeyFacts, observe, switched
from pmtaform.dkim.status import KeyStatus, SwitchConsent, key_status
from pmtaform.inspection.verdict import Fleet, HostVerdict
from pmtaform.lang.blocks import Address
from pmtaform.model.desired import KeyFile
from pmtaform.model.rotation import KeyHistory, is_of
from pmtaform.plan.signing import Signer, SigningKeys, longest_wait, signing_of
from pmtaform.progress import Verdict
from pmtaform.signing.evidence import KeyEvidence
from pmtaform.signing.host_signing import configuration_of, longest_wait_on
from pmtaform.stack import Stack
from pmtaform.stack.resolve import Resolve
from pmtaform.stack.rotations import RotatedKey, rotated_keys
from pmtaform.state import KeyHistories, RotationStore, StateDocument

if TYPE_CHECKING:
    from pmtaform.dns.resolver import DnsResolver
    from pmtaform.rollout.model import RunResult

_DONE = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})


@dataclass(slots=True, kw_only=True)
class FleetRotation:
    """A stack's rotated keys. `now` is the time, `at` the moment that is asked about: `plan --as-of` looks ahead."""

    stack: Stack
    keys: Mapping[str, RotatedKey]
    file: RotationStore
    loaded: KeyHistories
    state: StateDocument
    evidence: KeyEvidence
    now: datetime
    at: datetime
    force: bool = False
    histories: dict[str, KeyHistory] = field(default_factory=dict)
    facts: dict[str, KeyFacts] = field(default_factory=dict)
    statuses: dict[str, KeyStatus] = field(default_factory=dict)
    hold: dict[str, str] = field(default_factory=dict)
    live: dict[str, SigningKeys] = field(default_factory=dict)  # by host, as it was seen
    after: dict[str, SigningKeys] = field(default_factory=dict)  # once the plan is applied
    declared: dict[str, SigningKeys] = field(default_factory=dict)  # by the stack, where no host is looked at
    longest: dict[str, timedelta] = field(default_factory=dict)

    # -- what is known -------------------------------------------------------------------------------------------------

    def update(self) -> bool:
        """Work out the status of every key. Return whether hosts should now have something else."""
        for name, key in self.keys.items():
            bare = self._facts(key, KeyHistory())
            known = observe(self.loaded.get(name, KeyHistory()), key.rotation, bare, self.now)
            facts = self._facts(key, known)
            self.facts[name] = facts
            self.histories[name] = observe(self.loaded.get(name, KeyHistory()), key.rotation, facts, self.now)
            self.statuses[name] = key_status(
                name,
                key.rotation,
                self.histories[name],
                facts,
                self.at,
                SwitchConsent(force=self.force, hold=self.hold.get(name, "")),
            )
        before = self.stack.selectors
        selectors = {name: status.wanted for name, status in self.statuses.items()}
        self.stack = replace(self.stack, selectors=selectors)
        return selectors != before

    def _facts(self, key: RotatedKey, known: KeyHistory) -> KeyFacts:
        """The facts on a key; for the selectors in `known` also their keys and records."""
        live = {host: _of_key(key, signing.signs) for host, signing in self.live.items() if host in key.hosts}
        lives = [life for life in known.lives if life.revoked is None]
        publics = {life.selector: self.evidence.public_key(key, life) for life in lives}
        return KeyFacts(
            hosts=key.hosts,
            live=live,
            kept=self._kept(key),
            overruled=self._overruled(key),
            longest=max((self.longest[host] for host in key.hosts if host in self.longest), default=longest_wait(())),
            records={life.selector: self.evidence.record(key, life, publics[life.selector]) for life in lives},
            publics={name: public for name, public in publics.items() if isinstance(public, tuple)},
            missing={name: public for name, public in publics.items() if isinstance(public, str)},
        )

    def _overruled(self, key: RotatedKey) -> dict[str, str]:
        """For each selector whose line PowerMTA never uses: the line that it uses instead."""
        known = {**self.declared, **self.live}
        return {
            selector: f"{why} on {host}"
            for host in key.hosts
            if host in known
            for (selector, domain), why in known[host].overruled.items()
            if domain == key.domain.lower() and is_of(key.stem, selector)
        }

    def _kept(self, key: RotatedKey) -> frozenset[str]:
        """The selectors whose file a host has, by the state."""
        selectors = set()
        for host in key.hosts:
            state, intent = self.state.hosts.get(host), self.state.intents.get(host)
            for address in (*(state.keys if state else ()), *(intent.keys if intent else ())):
                domain, _, selector = Address.parse(address).key.partition("/")
                if domain == key.domain and is_of(key.stem, selector):
                    selectors.add(selector)
        return frozenset(selectors)

    # -- what hosts have -----------------------------------------------------------------------------------------------

    def observe(self, fleet: Fleet, why_not: Mapping[str, str]) -> bool:
        """Update every status with what hosts have. Return whether they should now have something else.

        `why_not` gives the reasons of hosts that cannot change in this run.
        """
        for name, verdict in fleet.surveys.items():
            survey = verdict.opened()
            live = signing_of(configuration_of(survey))
            self.live[name] = live
            self.after[name] = signing_of(configuration_of(survey, edited=True)) if survey.plan.changes else live
            self.longest[name] = longest_wait_on(survey)
        self.hold |= {name: why for name in self.keys if (why := self._held(name, fleet, why_not))}
        return self.update()

    def _held(self, name: str, fleet: Fleet, why_not: Mapping[str, str]) -> str:
        """Why the hosts of a key cannot switch at the same time; empty: they can, or need not."""
        selector = self.statuses[name].switch
        if selector is None or name in self.hold:
            return self.hold.get(name, "")
        key = self.keys[name]
        for host in key.hosts:
            survey = fleet.surveys.get(host)
            if survey is None:
                return f"{host} {why_not.get(host, 'is not among the chosen hosts')}"
            if survey.plan.changes and host in why_not:
                return f"{host} {why_not[host]}"
            if why := self._refusal(survey, key, selector):
                return f"{host} would not switch: {why}"
        return ""

    def _refusal(self, survey: HostVerdict, key: RotatedKey, selector: str) -> str:
        """Why the plan of a host does not make it sign with this selector alone; empty: it does."""
        after = self.after[survey.target.spec.name]
        if first := after.overruled.get((selector, key.domain.lower())):
            return f"PowerMTA takes {first} before it"
        address = KeyFile(domain=key.domain, selector=selector, path="", reference="", private_key=None).address
        is_owned = str(address) in survey.difference.owned_keys
        if is_owned and _of_key(key, after.signs) == {selector}:
            return ""
        return "--target, --exclude or `lifecycle` leaves its key as it is"

    @property
    def unready(self) -> dict[Signer, str]:
        """The selectors that are not verified, each with the reason."""
        return {
            (selector, self.keys[name].domain.lower()): why
            for name, status in self.statuses.items()
            for selector, why in status.unready.items()
        }

    @property
    def together(self) -> dict[str, str]:
        """Hosts that must change at the same time, each with the name of its group."""
        groups: list[set[str]] = []
        for name, status in self.statuses.items():
            if status.switch is not None:
                hosts = set(self.keys[name].hosts)
                joined = [group for group in groups if group & hosts]
                groups = [group for group in groups if not group & hosts] + [hosts.union(*joined)]
        return {host: f"dkim {min(group)}" for group in groups for host in sorted(group)}

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def record(self, result: RunResult, state: StateDocument, now: datetime) -> None:
        """Write to the history what an apply did: hosts that switched, files that are gone. Raises `PmtaformError`."""
        after = dict(self.live)
        for name, status in self.statuses.items():
            key = self.keys[name]
            applied = [host for host in key.hosts if host in result.hosts and result.hosts[host].verdict in _DONE]
            after |= {host: self.after[host] for host in applied if host in self.after}
            if status.switch is not None and set(applied) == set(key.hosts):
                self.histories[name] = switched(self.histories[name], status.switch, now)
        self.loaded, self.state, self.live, self.now = {**self.loaded, **self.histories}, state, after, now
        self.at = now
        self.update()
        self.save()

    def save(self) -> None:
        """Write the histories. Call it under the stack's lock."""
        self.file.save({**self.loaded, **self.histories})


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRequest:
    """What the rotation of a stack's keys is worked out from.

    `as_of` is the moment whose steps are asked for, None for `now`; `force` lets a selector sign whose record is not
    verified. `resolver` makes the resolver, None: the one that the stack's `dns` describes.
    """

    stack: Stack
    file: RotationStore
    state: StateDocument
    resolve: Resolve
    now: datetime
    as_of: datetime | None = None
    force: bool = False
    resolver: Callable[[], DnsResolver] | None = None


def start_rotation(request: RotationRequest) -> FleetRotation | None:
    """Return the rotation of a stack's keys before hosts are looked at; None when no key rotates.

    Raises `UsageError` when `as_of` has passed.
    """
    check_ahead(request.as_of, request.now)
    stack, now = request.stack, request.now.replace(microsecond=0)
    keys = rotated_keys(stack)
    if not keys:
        return None
    rotation = FleetRotation(
        stack=stack,
        keys=keys,
        file=request.file,
        loaded=request.file.load(),
        state=request.state,
        evidence=KeyEvidence(stack.dns, request.resolve, _resolver(request) if stack.dns.mode != "off" else None),
        now=now,
        at=request.as_of or now,
        force=request.force,
    )
    rotation.update()
    return rotation


def _resolver(request: RotationRequest) -> DnsResolver:
    if request.resolver is not None:
        return request.resolver()
    from pmtaform.dns.live import live_resolver

    return live_resolver(request.stack.dns)


def _of_key(key: RotatedKey, signers: Iterable[Signer]) -> frozenset[str]:
    """The selectors of a key among those of a host."""
    return frozenset(name for name, domain in signers if domain == key.domain.lower() and is_of(key.stem, name))
