"""TLS to other servers: where it is newly required and mail may stop, and where it is no longer used.

`require-starttls` counts only with `use-starttls`. Without `smtp-tls-ca-file` no certificate is verified; with it, mail
to a server whose certificate does not verify goes out unencrypted, or is deferred where TLS is required (guide 10.21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.effective import Value
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Reach
from pmtaform.plan.dangers.sides import Sides

TLS_REQUIRED: Final = DangerKind(
    code="tls-required",
    rank=120,
    summary="mail stops where the other side has no TLS, or no verifiable certificate",
    explanation=(
        "Mail to servers, or from clients, without TLS or without a verifiable certificate stays in the queue or is "
        "rejected. Require TLS only of partners that offer it."
    ),
)
TLS_DROPPED: Final = DangerKind(
    code="tls-dropped",
    rank=130,
    summary="mail or passwords go over the network unencrypted, or to servers that are not verified",
    explanation=(
        "Others on the network path can read mail or passwords, or receive mail in place of the real server. Keep "
        "TLS and its verification, unless a partner cannot use them."
    ),
)

_USE: Final = "use-starttls"
_REQUIRE: Final = "require-starttls"
_VERIFY: Final = "smtp-tls-ca-file"
_CERTIFICATE: Final = "smtp-client-certificate"
_PLAIN_AUTH: Final = "use-unencrypted-plain-auth"
_LOGIN: Final = "auth-username"
_POLICIES: Final = ("use-dane", "use-mta-sts")
_GOOD: Final = ("smtp-tls-allow-tlsv1.2", "smtp-tls-allow-tlsv1.3")
_OLD: Final = ("smtp-tls-allow-tlsv1", "smtp-tls-allow-tlsv1.1", "smtp-tls-allow-sslv3")
_DEFAULTS: Final = {
    name: spec.default or ""
    for name in (_USE, _REQUIRE, _PLAIN_AUTH, *_POLICIES, *_GOOD, *_OLD)
    if (spec := catalogue().directive("domain", name)) is not None
}
_READS: Final = frozenset((_USE, _REQUIRE, _VERIFY, _CERTIFICATE, _PLAIN_AUTH, _LOGIN, *_POLICIES, *_GOOD, *_OLD))


@dataclass(frozen=True, slots=True)
class _Effect:
    """An effect on TLS: `consequence` is a clause, `name` the directive behind it with its values on both sides."""

    kind: DangerKind
    consequence: str
    name: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class _Key:
    kind: DangerKind
    consequence: str
    change: str
    cause: Address | None
    mx: bool


@reports(TLS_REQUIRED, TLS_DROPPED)
def tls_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Mail that is sent without TLS, or not verified, or that stops where TLS is not offered."""
    reaches: dict[_Key, Reach] = {}
    for queue in sides.queues:
        if not queue.domain or not any(move.name in _READS for move in queue.moves):
            continue
        for effect in _effects(sides, queue):
            cause = sides.cause(effect.before, effect.after)
            change = f"{effect.name} {words.value(effect.before)} -> {words.value(effect.after)}"
            key = _Key(effect.kind, effect.consequence, change, cause, queue.mx)
            reaches.setdefault(key, Reach()).add(queue.domain, queue.vmtas)
    for key, reach in reaches.items():
        over = f" over {reach.over(sides)}" * (len(sides.virtual_mtas) > 1)
        who = words.domains(reach.domains, mx=key.mx) + over
        detail = f"Mail to {who} {key.consequence}: {key.change}{sides.because(key.cause)}."
        yield DangerFinding(kind=key.kind, detail=detail, cause=key.cause, weight=float("*" in reach.domains))


@dataclass(frozen=True, slots=True)
class _Mode:
    """How a queue uses TLS on one side, by what lines set."""

    meaning: Mapping[str, tuple[str, ...]]

    def is_on(self, name: str) -> bool:
        texts = self.meaning.get(name)
        if texts is None:
            return _DEFAULTS[name].startswith("true")
        return bool(texts) and values.parse_bool(unquoted(texts[-1])) is True

    @property
    def uses(self) -> bool:
        return self.is_on(_USE)

    @property
    def requires(self) -> bool:
        return self.uses and self.is_on(_REQUIRE)

    def has(self, name: str) -> bool:
        return any(unquoted(text) for text in self.meaning.get(name, ()))

    def is_certain(self, name: str) -> bool:
        """Whether a line sets it, or the guides agree on the default."""
        return name in self.meaning or " " not in _DEFAULTS[name]


def _effects(sides: Sides, queue: QueueChange) -> Iterator[_Effect]:
    vmta = queue.vmtas[0]
    was = _Mode(sides.before.meaning(queue.queue_before or _domain_or_all(queue), vmta))
    now = _Mode(sides.after.meaning(queue.queue_after or _domain_or_all(queue), vmta))
    for kind, name, says in (*_encryption(was, now), *_verification(was, now), *_lesser(was, now)):
        move = queue.move(name)
        if move is not None:
            yield _Effect(kind, says, name, move.before, move.after)


def _domain_or_all(queue: QueueChange) -> str:
    return "*" if queue.mx else queue.domain


_Change = tuple[DangerKind, str, str]  # kind, directive, clause


def _encryption(was: _Mode, now: _Mode) -> Iterator[_Change]:
    if now.requires and not was.requires:
        name = _USE if was.is_on(_REQUIRE) else _REQUIRE
        yield TLS_REQUIRED, name, "waits and then bounces wherever the other server offers no TLS"
    elif was.uses and not now.uses:
        yield TLS_DROPPED, _USE, "goes out unencrypted"
    elif was.requires and not now.requires:
        yield TLS_DROPPED, _REQUIRE, "goes out unencrypted wherever the other server offers no TLS"


def _verification(was: _Mode, now: _Mode) -> Iterator[_Change]:
    if not (was.uses and now.uses):
        return
    if now.has(_VERIFY) and not was.has(_VERIFY):
        fate = "waits and then bounces" if now.requires else "goes out unencrypted"
        says = f"{fate} wherever the other server's certificate does not verify"
        yield TLS_REQUIRED if now.requires else TLS_DROPPED, _VERIFY, says
    elif was.has(_VERIFY) and not now.has(_VERIFY):
        yield TLS_DROPPED, _VERIFY, "goes to servers whose certificates are no longer verified"


def _lesser(was: _Mode, now: _Mode) -> Iterator[_Change]:
    if not (was.uses and now.uses):
        return
    for name in _POLICIES:
        if was.is_on(name) and was.is_certain(name) and not (now.is_on(name) and now.is_certain(name)):
            yield TLS_DROPPED, name, "ignores the TLS requirements of receivers"
    for name in _GOOD:
        if was.is_on(name) and not now.is_on(name):
            yield TLS_DROPPED, name, "goes out with an older version of TLS, or without TLS"
    for name in _OLD:
        if now.is_on(name) and not was.is_on(name):
            yield TLS_DROPPED, name, "may go out with an obsolete version of TLS"
    if now.is_on(_PLAIN_AUTH) and not was.is_on(_PLAIN_AUTH) and now.has(_LOGIN):
        yield TLS_DROPPED, _PLAIN_AUTH, "sends its login unencrypted"
    if was.has(_CERTIFICATE) and not now.has(_CERTIFICATE):
        yield TLS_DROPPED, _CERTIFICATE, "shows no client certificate, and servers that demand one refuse it"
