"""Mail that is signed by another key than before, with less protection, or not at all.

Who signs is looked at as PowerMTA chooses: the sender's domain (or the identity of the recipient's domain), the keys
of the virtual MTA in their order, and `dkim-sign` for the recipient.

The next selector for a domain, whose line is new to the host, is no danger here: rotating is what keys are for, and
DNS is asked for its record (`dkim-not-published`, `dns-wrong`). A selector that the host had already, and that signs
now because of an order, a key that is removed or an identity, was not looked up for this mail, unless its rotation
has verified it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import ValueMove
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.signers import ANY, Keys, Signer, SignerRule, Signing, has_signing_lines, rule_of
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.kinds import SIGNING_KEY_REMOVED, SIGNING_KEY_REPLACED
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.signing_strength import weakened

SIGNING_CHANGED: Final = DangerKind(
    code="signing-changed",
    rank=100,
    summary="mail is signed with another selector, identity or algorithm, or with less protection",
    explanation=(
        "The signature has another selector, identity or algorithm. Check that its record is in DNS and that the "
        "identity is aligned with the sender."
    ),
)

_READS: Final = ("domain", "virtual-mta", "virtual-mta-pool", "domain-macro", "domain-key", "domain-key-list")
_QUEUES: Final = (*_READS, "mx-rollup-list", "host-name")
_ASSUMED: Final = " No <domain> sets `dkim-sign`; the careful reading is that mail is signed."


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The signing result of mail; the same result for the same cause is one sentence.

    `before` is empty where the former keys describe it.
    """

    kind: DangerKind
    before: str
    after: str
    cause: Address | None
    nth: str = ""  # of which signature


@dataclass(slots=True)
class _Reach:
    signers: dict[str, None] = field(default_factory=dict)
    senders: dict[str, None] = field(default_factory=dict)
    recipients: dict[str, None] = field(default_factory=dict)
    vmtas: dict[str, None] = field(default_factory=dict)
    mx: bool = False
    _added: set[int] = field(default_factory=set)

    def put(self, signer: str, sender: str, vmtas: Iterable[str]) -> None:
        """Take in mail of one sender."""
        self.signers[signer] = None
        self.senders[sender] = None
        self.vmtas |= dict.fromkeys(vmtas)

    def add(self, other: _Reach) -> None:
        """Take in what another has, once."""
        if id(other) not in self._added:
            self._added.add(id(other))
            self.signers |= other.signers
            self.senders |= other.senders
            self.vmtas |= other.vmtas


_Found = dict[_Outcome, _Reach]


@reports(SIGNING_KEY_REMOVED, SIGNING_KEY_REPLACED, SIGNING_CHANGED)
def signing_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Mail whose signature changes for the worse."""
    if not sides.touches(*_QUEUES):
        return
    both = _Both(sides)
    outcomes: _Found = {}
    for queue in sides.queues:
        if queue.domain and any("dkim-" in move.name for move in queue.moves):
            both.queue(queue, outcomes)
    if sides.touches("virtual-mta", "virtual-mta-pool", "domain-macro", "domain-key"):
        both.keys(outcomes)
    for outcome, reach in outcomes.items():
        detail = f"Mail of {_senders(reach.senders)}{_to(reach)}{_over(sides, reach)}: "
        was = outcome.before or f"signed with {words.several(list(reach.signers))}"
        detail += f"{was}{outcome.nth} -> {outcome.after}{sides.because(outcome.cause)}.{_ASSUMED * both.assumed}"
        weight = float(len(reach.senders) * max(1, len(reach.recipients)))
        yield DangerFinding(kind=outcome.kind, detail=detail, cause=outcome.cause, weight=weight)
    if sides.touches("domain-key-list", "domain-macro"):
        yield from both.lists()


def _senders(names: Iterable[str]) -> str:
    plain = [values.shown(name) for name in names if name != ANY]
    return words.several(plain + ["senders without their own key"] * (ANY in names))


def _to(reach: _Reach) -> str:
    return f" to {words.domains(reach.recipients, mx=reach.mx)}" if reach.recipients else ""


def _over(sides: Sides, reach: _Reach) -> str:
    return f" over {words.virtual_mtas(reach.vmtas, sides.virtual_mtas)}" if len(sides.virtual_mtas) > 1 else ""


class _Both:
    """Both sides, compared."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.assumed = not has_signing_lines(sides.before) and not has_signing_lines(sides.after)
        self.before = Signing(sides.before, self.assumed)
        self.after = Signing(sides.after, self.assumed)
        self._ends: dict[tuple[object, ...], _Found] = {}
        self._pools: dict[str, bool] = {}
        self._groups: dict[tuple[str, ...], list[tuple[Keys, Keys, list[str]]]] = {}

    # -- rules that change: recipients ---------------------------------------------------------------------------------

    def queue(self, queue: QueueChange, outcomes: _Found) -> None:
        """What a queue whose `dkim-` values change does to the mail in it."""
        asked = "*" if queue.mx else queue.domain
        was = self.sides.before.settings(queue.queue_before or asked, queue.vmtas[0]).values
        now = self.sides.after.settings(queue.queue_after or asked, queue.vmtas[0]).values
        for second in (False, True):
            rules = tuple(rule_of(side, second=second, assumed=self.assumed) for side in (was, now))
            if rules[0] is None:
                continue
            prefix = "second-" if second else ""
            cause = self._cause_of(queue, prefix)
            weaker = list(weakened(was, now, prefix)) if rules[1] is not None else []
            key = queue.vmtas, rules, cause, tuple(weaker)
            if key not in self._ends:
                self._ends[key] = self._ends_of(queue.vmtas, rules, cause, weaker)
            for outcome, end in self._ends[key].items():
                reach = outcomes.setdefault(outcome, _Reach(mx=queue.mx))
                reach.add(end)
                reach.recipients[queue.domain] = None

    def _ends_of(
        self, vmtas: tuple[str, ...], rules: tuple[SignerRule | None, ...], cause: Address | None, weaker: list[str]
    ) -> _Found:
        """What becomes of mail over these virtual MTAs where the rules for a recipient change."""
        was, now = rules
        outcomes: _Found = {}
        if was is None:
            return outcomes
        for left, right, names in self._grouped(vmtas):
            for sender in _classes(was, left, right):
                old = was.signer(left, sender)
                if old is None:
                    continue
                new = now.signer(right, sender) if now is not None else None
                for outcome in self._outcomes(rules, old, new, cause, weaker):
                    outcomes.setdefault(outcome, _Reach()).put(_name(old), was.domain or sender, names)
        return outcomes

    def _cause_of(self, queue: QueueChange, prefix: str) -> Address | None:
        moves: list[ValueMove] = [m for name in ("sign", "identity") if (m := queue.move(f"{prefix}dkim-{name}"))]
        moves += [move for move in queue.moves if move.name.startswith(f"{prefix}dkim-")] or list(queue.moves)
        return self.sides.cause(moves[0].before, moves[0].after)

    def _outcomes(
        self,
        rules: tuple[SignerRule | None, ...],
        old: Signer | None,
        new: Signer | None,
        cause: Address | None,
        weaker: list[str],
    ) -> Iterator[_Outcome]:
        was, now = rules
        if old is None or was is None:
            return
        nth = " (second signature)" * was.second
        if new is None or now is None:
            yield _Outcome(SIGNING_KEY_REMOVED, "", "unsigned", cause, nth)
        elif now.by_header and not was.by_header:
            after = "unsigned, unless the message brings X-DKIM-Options"
            yield _Outcome(SIGNING_KEY_REMOVED, "", after, cause, nth)
        elif _is_same_key(old, new):
            if was.identity.removeprefix("@") != now.identity.removeprefix("@"):
                yield _Outcome(SIGNING_CHANGED, f"signed as {_identity(was)}", _identity(now), cause, nth)
            for text in weaker:
                left, _, right = text.partition(" -> ")
                yield _Outcome(SIGNING_CHANGED, f"signed with {left}", right, cause, nth)
        elif not self._is_next(old, new):
            yield _Outcome(SIGNING_CHANGED, "", _name(new), cause, nth)

    def _is_next(self, old: Signer, new: Signer) -> bool:
        """Whether the host gets a new selector for the same domain, or one whose record is verified."""
        if new.key.domain != old.key.domain:
            return False
        return new.key[:2] not in self._known or new.key[:2] in self.sides.verified

    @cached_property
    def _known(self) -> set[tuple[str, ...]]:
        """The (selector, domain) pairs that the host had."""
        rings = [self.before.top, *(self.before.keys(vmta) for vmta in self.sides.before.virtual_mtas())]
        return {key[:2] for ring in (*rings, *self.before.lists.values()) for key in ring.order}

    def _grouped(self, vmtas: tuple[str, ...]) -> list[tuple[Keys, Keys, list[str]]]:
        """Virtual MTAs with the same keys before and after together."""
        if vmtas not in self._groups:
            groups: dict[tuple[object, object], tuple[Keys, Keys, list[str]]] = {}
            for vmta in vmtas:
                left, right = self.before.keys(vmta), self.after.keys(vmta)
                groups.setdefault((left.order, right.order), (left, right, []))[2].append(vmta)
            self._groups[vmtas] = list(groups.values())
        return self._groups[vmtas]

    # -- keys that change ----------------------------------------------------------------------------------------------

    def keys(self, outcomes: _Found) -> None:
        """What other keys, or another order of them, do where mail is signed before and after."""
        same_top = self.before.top.order == self.after.top.order
        every = self.sides.virtual_mtas
        for left, right, alike in self._grouped(tuple(filter(self._may_differ, every)) if same_top else every):
            if same_top and left.order == right.order:
                continue
            by_rules: dict[frozenset[SignerRule], list[str]] = {}
            for vmta in alike:
                rules = self.before.rules(vmta) & self.after.rules(vmta)
                by_rules.setdefault(rules, []).append(vmta)
            for rules, names in by_rules.items():
                for rule in rules:
                    self._moved_keys(rule, left, right, names, outcomes)

    def _may_differ(self, vmta: str) -> bool:
        """Whether a virtual MTA may have other keys than before: its text, its pools or the macros are not the same."""
        was, now = self.sides.before.reading, self.sides.after.reading
        left, right = was.virtual_mtas.get(vmta), now.virtual_mtas.get(vmta)
        if was.macros != now.macros or was.pools_of.get(vmta) != now.pools_of.get(vmta):
            return True
        if left is not None and right is not None and left.is_same(right):
            return not all(map(self._is_same_pool, was.pools_of.get(vmta, ())))
        if left is not right and (left is None or right is None or left.written is None):
            return True
        if left is not None and right is not None and left.written != right.written:
            return True
        return not all(map(self._is_same_pool, was.pools_of.get(vmta, ())))

    def _is_same_pool(self, pool: str) -> bool:
        if pool not in self._pools:
            self._pools[pool] = self.before.keys_of_pool(pool) == self.after.keys_of_pool(pool)
        return self._pools[pool]

    def _moved_keys(self, rule: SignerRule, left: Keys, right: Keys, vmtas: list[str], outcomes: _Found) -> None:
        for sender in _classes(rule, left, right):
            old, new = rule.signer(left, sender), rule.signer(right, sender)
            if old is None or (new is not None and new.key == old.key):
                continue
            cause = self._cause(old, new)
            for outcome in (*self._outcomes((rule, rule), old, new, cause, []), *_replaced(old, new, cause)):
                outcomes.setdefault(outcome, _Reach()).put(_name(old), rule.domain or sender, vmtas)

    def _cause(self, old: Signer, new: Signer | None) -> Address | None:
        lines: list[SourceLine] = [old.line, *([new.line] if new is not None else [])]
        return self.sides.cause_of_lines(lines)

    def lists(self) -> Iterator[DangerFinding]:
        """Lists of keys that messages choose by name; there is no other key for such a message."""
        after, empty = self.after.lists, Keys(())
        for name, left in self.before.lists.items():
            right = after.get(name, empty)
            for sender in _classes(SignerRule(), left, right):
                old, new = left.signer(sender), right.signer(sender)
                if old is None or (new is not None and new.key == old.key):
                    continue
                cause = self._cause(old, new)
                rules = SignerRule(), SignerRule()
                for outcome in (*self._outcomes(rules, old, new, cause, []), *_replaced(old, new, cause)):
                    who = f"Mail of {_senders([sender])} that chooses the key list {values.shown(name)}"
                    was = outcome.before or f"signed with {_name(old)}"
                    detail = f"{who}: {was} -> {outcome.after}{self.sides.because(cause)}."
                    yield DangerFinding(kind=outcome.kind, detail=detail, cause=cause)


def _classes(rule: SignerRule, *rings: Keys) -> list[str]:
    """The senders' domains that keys tell apart; one represents all where the identity is fixed."""
    if rule.domain and not rule.fallback:
        return [ANY]
    names: dict[str, None] = {}
    for ring in rings:
        for keys in (ring, ring.then):
            names |= dict.fromkeys(keys.domains if keys is not None else ())
    return [*(name for name in names if name != ANY), ANY]


def _is_same_key(old: Signer, new: Signer) -> bool:
    return old.key[:2] == new.key[:2]


def _replaced(old: Signer, new: Signer | None, cause: Address | None) -> Iterator[_Outcome]:
    if new is not None and _is_same_key(old, new) and new.key.path != old.key.path:
        after = f"the file {values.shown(new.key.path)}; if it holds another key, signatures fail until DNS shows that"
        yield _Outcome(
            SIGNING_KEY_REPLACED, f"signed with {_name(old)} from {values.shown(old.key.path)}", after, cause
        )


def _name(signer: Signer) -> str:
    domain = "any domain" if signer.key.domain == ANY else signer.key.domain
    return values.shown(f"{signer.key.selector} ({domain})")


def _identity(rule: SignerRule) -> str:
    return values.shown(rule.identity) if rule.identity else "the sender"
