"""The impact of a change: what it needs to take effect."""

from __future__ import annotations

from collections.abc import Iterable

from pmtaform.lang import values
from pmtaform.lang.blocks import Address, impact_of, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact, catalogue
from pmtaform.plan.explain import scope_of
from pmtaform.plan.model import Action, ValueChange


def impact_of_change(address: Address, action: Action, changed: Iterable[ValueChange]) -> tuple[Impact, str]:
    """Return the impact of a change, and a note where the guide is silent."""
    tag = GLOBAL if catalogue().section(address.kind) is None else address.kind
    pairs: list[tuple[str, str]] = []
    for change in changed:
        scope = scope_of(change.path, tag)
        if not _is_default(scope, change):
            pairs.append((scope, change.name))
    if tag != GLOBAL and action is not Action.UPDATE:
        impact = max(impact_of(address), impact_of(address, pairs)) if pairs else impact_of(address)
    else:
        impact = impact_of(address, pairs) if pairs else Impact.RELOAD
    unsure = [name for scope, name in pairs if (spec := spec_of(scope, name)) and not spec.impact_confirmed]
    section = catalogue().section(address.kind)
    whole = action is not Action.UPDATE or any(scope != tag for scope, _ in pairs)
    if whole and section is not None and not section.impact_confirmed:
        unsure.insert(0, f"<{section.tag}>")
    if not unsure:
        return impact, ""
    named = ", ".join(dict.fromkeys(unsure))
    return impact, f"the guide does not state whether {named} needs more than a {impact}: verify it afterwards"


def _is_default(scope: str, change: ValueChange) -> bool:
    """Whether a line comes or goes that has the documented default."""
    spec = spec_of(scope, change.name)
    if spec is None or spec.default is None or (change.before and change.after):
        return False
    lines = change.before or change.after
    return len(lines) == 1 and values.normalise(spec, lines[0]) == values.normalise(spec, spec.default)
