"""The selectors that hosts sign with, by the `domain-key` lines of their configuration, and their dangers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Block, directives_in
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import EffectiveReading
from pmtaform.lang.effective.signing import first_matches
from pmtaform.lang.includes import Configuration
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.kinds import DKIM_NOT_PUBLISHED
from pmtaform.plan.model import Change, Danger, HostPlan

NOT_PUBLISHED: Final = DKIM_NOT_PUBLISHED.code
_LINE: Final = "domain-key"
_WAITS: Final = "bounce-after"

Signer = tuple[str, str]  # (selector, domain), the domain in small letters


def signer_of(value: str) -> Signer | None:
    """The selector and the domain of a `domain-key` line's value; None when it has another form."""
    fields = [unquoted(field.strip()) for field in value.split(",")]
    return (fields[0], fields[1].lower()) if len(fields) == 3 else None


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of a configuration: those that PowerMTA signs with, and for each unused key the one that it uses
    instead.
    """

    signs: frozenset[Signer] = frozenset()
    overruled: Mapping[Signer, str] = field(default_factory=dict)


def signing_of(configuration: Configuration) -> SigningKeys:
    """The signing keys, by the first matching line in any section."""
    matches = first_matches(EffectiveReading.of(configuration))
    signs = frozenset((key.selector, key.domain) for key, line in matches.items() if line is None)
    overruled = {
        (key.selector, key.domain): _words(line)
        for key, line in matches.items()
        if line is not None and (key.selector, key.domain) not in signs
    }
    return SigningKeys(signs, overruled)


def _words(line: SourceLine) -> str:
    signer = signer_of(line.value)
    named = f"{signer[0]} of {signer[1]}" if signer is not None else line.value
    return f"{named} ({line.place})"


def longest_wait(blocks: Iterable[Block]) -> timedelta:
    """The longest time that mail waits in a queue before it bounces.

    PowerMTA's default counts unless `<domain *>` at top level says otherwise, and so does a value that has no meaning
    here (a macro).
    """
    waits: list[int | None] = []
    everywhere = False
    for block in blocks:
        for _, path, directive in directives_in(block):
            if directive.name.lower() == _WAITS:
                waits.append(values.parse_duration(unquoted(directive.value)))
                everywhere = everywhere or (block.address.kind == "domain" and block.address.key == "*" and not path)
    spec = catalogue().directive("domain", _WAITS)
    default = values.parse_duration(spec.default) if spec is not None and spec.default else None
    known = [seconds for seconds in waits if seconds is not None]
    if (not everywhere or len(known) < len(waits)) and default is not None:
        known.append(default)
    return timedelta(seconds=max(known, default=0))


def with_unpublished(plan: HostPlan, unready: Mapping[Signer, str]) -> HostPlan:
    """The plan with a danger on each change that makes the host sign with one of `unready`; its values say why."""
    changes = tuple(_with_dangers(change, unready) for change in plan.changes)
    return plan if changes == plan.changes else replace(plan, changes=changes)


def _with_dangers(change: Change, unready: Mapping[Signer, str]) -> Change:
    dangers = tuple(
        Danger(
            NOT_PUBLISHED,
            f"Mail of {domain} would be signed with the selector {selector}, and its record cannot be relied on: "
            f"{unready[selector, domain]}. Receivers that do not find the matching record treat the signature as "
            "invalid. Publish the record. To see it:\n    pmtaform dkim rotate",
        )
        for selector, domain in sorted(gained_signers(change) & unready.keys())
    )
    return replace(change, dangers=(*change.dangers, *dangers)) if dangers else change


def gained_signers(change: Change) -> frozenset[Signer]:
    """What the host signs with after a change, and did not sign with in that block before."""
    before = {signer_of(text) for value in change.values if value.name == _LINE for text in value.before}
    after = {signer_of(text) for value in change.values if value.name == _LINE for text in value.after}
    return frozenset(signer for signer in after - before if signer is not None)
