"""Checks of the hosts that are looked at, as a whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_TARGET
from pmtaform.diagnostics.codes.stack import SHARED_ROOT
from pmtaform.errors import Invalid, UsageError
from pmtaform.inspection.survey import Target
from pmtaform.model.choice import Choice
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.model.selection import ALL_DOMAINS, is_catch_all, matches
from pmtaform.planning.draft import Draft
from pmtaform.stack import compile_all
from pmtaform.state import HostState


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


def check_patterns(choice: Choice, targets: Iterable[Target], elsewhere: Callable[[], set[str]] = set) -> None:
    """Raise `UsageError` for a pattern that names nothing.

    A misspelt target would look like "nothing to do", and a misspelt exclusion would protect nothing. `elsewhere`
    returns the names on hosts of other shards, which may be meant.
    """
    if not choice.targets and not choice.excludes:
        return
    names: set[str] = set()
    for target in targets:
        desired = target.fresh().desired
        if desired.unmanaged is Unmanaged.REMOVE:
            return  # blocks that only the host knows may be meant
        names |= _names_on(target.spec.name, desired, target.previous)
    for pattern in (*choice.targets, *choice.excludes):
        if any(matches(pattern, name) for name in names):
            continue
        if not any(matches(pattern, name) for name in elsewhere()):
            raise UsageError.of(NO_SUCH_TARGET, _names_nothing(pattern, names))


def check_patterns_of(draft: Draft) -> None:
    """As `check_patterns`, where other processes compile the hosts."""
    choice = draft.request.choice
    if not choice.targets and not choice.excludes:
        return
    names = _names_of(draft, choice.all_parts(draft.stack))
    if names is None:
        return
    for pattern in (*choice.targets, *choice.excludes):
        if not any(matches(pattern, name) for name in names):
            raise UsageError.of(NO_SUCH_TARGET, _names_nothing(pattern, names))


def names_elsewhere(draft: Draft) -> set[str]:
    """The names of the blocks on the chosen hosts of other shards, as the stack and the state know them."""
    if draft.request.choice.shard is None:
        return set()
    others = [name for name in draft.request.choice.all_parts(draft.stack) if name not in draft.names]
    return _names_of(draft, others) or set()


def _names_of(draft: Draft, hosts: Iterable[str]) -> set[str] | None:
    """The names of the blocks on these hosts; None where blocks that only a host knows may be meant."""
    names: set[str] = set()
    for host, desired in compile_all(draft.stack, None, hosts).items():
        if desired.unmanaged is Unmanaged.REMOVE:
            return None
        names |= _names_on(host, desired, draft.state.hosts.get(host))
    return names


def _names_on(host: str, desired: Desired, previous: HostState | None) -> set[str]:
    """The addresses on a host, with its name before them and without."""
    own = {str(address) for address in desired.blocks} | {str(each.address) for each in desired.whole_files}
    if previous is not None:
        own |= previous.blocks.keys() | previous.keys.keys()
    return own | {f"{host}:{name}" for name in own}


def _names_nothing(pattern: str, names: Collection[str]) -> str:
    detail = f'"{pattern}" matches no block or file that the stack declares or that was applied.'
    if is_catch_all(pattern):
        return f"{detail} It is the block <domain *>; to name all domains, write {ALL_DOMAINS}."
    return detail + (did_you_mean(pattern, names) or " `pmtaform state list` shows addresses.")
