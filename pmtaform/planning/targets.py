"""Checks of the hosts that are looked at, as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_TARGET
from pmtaform.diagnostics.codes.stack import SHARED_ROOT
from pmtaform.errors import Invalid, UsageError
from pmtaform.inspection.survey import Target
from pmtaform.model.choice import Choice
from pmtaform.model.desired import Unmanaged
from pmtaform.model.selection import ALL_DOMAINS, is_catch_all, matches


def check_shared_roots(targets: Iterable[Target]) -> None:
    """Raise `Invalid` for two local hosts in one folder: they would undo each other's changes."""
    seen: dict[str, str] = {}
    for target in targets:
        if not target.spec.transport.is_local:
            continue
        other = seen.setdefault(target.spec.root, target.spec.name)
        if other != target.spec.name:
            raise Invalid.of(
                SHARED_ROOT, f"{other} and {target.spec.name} both have the root {target.spec.root}. Give each its own."
            )


def check_patterns(choice: Choice, targets: Iterable[Target]) -> None:
    """Raise `UsageError` for a pattern that names nothing.

    A misspelt target would look like "nothing to do", and a misspelt exclusion would protect nothing.
    """
    if not choice.targets and not choice.excludes:
        return
    names: set[str] = set()
    for target in targets:
        if target.desired.unmanaged is Unmanaged.REMOVE:
            return  # blocks that only the host knows may be meant
        own = {str(a) for a in target.desired.blocks} | {str(each.address) for each in target.desired.whole_files}
        if target.previous is not None:
            own |= target.previous.blocks.keys() | target.previous.keys.keys()
        names |= own | {f"{target.spec.name}:{name}" for name in own}
    for pattern in (*choice.targets, *choice.excludes):
        if not any(matches(pattern, name) for name in names):
            raise UsageError.of(NO_SUCH_TARGET, _names_nothing(pattern, names))


def _names_nothing(pattern: str, names: Collection[str]) -> str:
    detail = f'"{pattern}" matches no block or file that the stack declares or that was applied.'
    if is_catch_all(pattern):
        return f"{detail} It is the block <domain *>; to name all domains, write {ALL_DOMAINS}."
    return detail + (did_you_mean(pattern, names) or " `pmtaform state list` shows addresses.")
