"""Notes on a plan as a whole: what it leaves out, and for which date it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.command_line import SHARD
from pmtaform.diagnostics.codes.plans import CATCH_ALL_ONLY, FUTURE_PLAN
from pmtaform.diagnostics.codes.state import HOST_NOT_IN_STACK, STATE_KEY_CHANGED
from pmtaform.inspection.survey import Target
from pmtaform.model.choice import Choice
from pmtaform.model.selection import ALL_DOMAINS, is_catch_all
from pmtaform.stack import Stack
from pmtaform.state import StackKey, StateDocument


def usable_state(state: StateDocument, key: StackKey) -> tuple[StateDocument, tuple[Diagnostic, ...]]:
    """The state; one without hosts when its digests were made with another key."""
    if not state.hosts or state.key_id == key.id:
        return state, ()
    note = STATE_KEY_CHANGED.diagnostic(
        f"state/{state.stack}.json was written with key {state.key_id}, and state/{state.stack}.key is "
        f"{key.id}. Hosts are compared with their own records instead, and until the next apply nothing is deleted "
        "because it is no longer declared. Restore the right key file if you have it."
    )
    return replace(state, hosts={}, intents={}), (note,)


def left_behind(stack: Stack, state: StateDocument) -> tuple[Diagnostic, ...]:
    """A note on hosts that were applied to and are no longer in the stack. Nothing is done to them."""
    gone = [name for name in state.hosts if name not in stack.hosts]
    if not gone:
        return ()
    return (
        HOST_NOT_IN_STACK.diagnostic(
            f"{', '.join(gone[:10])}. It keeps its configuration, and no plan reads it any more. If the host no "
            f"longer exists:\n    pmtaform state forget {gone[0]} {stack.name}"
        ),
    )


def for_a_future_date(as_of: datetime | None) -> tuple[Diagnostic, ...]:
    """The note on a plan for a future date."""
    if as_of is None:
        return ()
    detail = (
        f"It shows the changes due on {as_of:%Y-%m-%d %H:%M %Z}, if DNS, the stack and the hosts stay as they are. "
    )
    detail += "It cannot be saved or applied. Plan again on that date."
    return (FUTURE_PLAN.diagnostic(detail),)


def of_shard(choice: Choice, stack: Stack, names: Collection[str]) -> tuple[Diagnostic, ...]:
    """The note on a run about one shard: `names` are its hosts."""
    if choice.shard is None:
        return ()
    of = len(choice.all_parts(stack))
    some = f"{len(names)} of {of} hosts" if names else f"none of {of} hosts: there is nothing to do"
    detail = f"Shard {choice.shard} has {some}. canary, waves, max-failures and max-unreachable count only its hosts."
    return (SHARD.diagnostic(detail),)


def catch_all_only(choice: Choice, targets: Iterable[Target]) -> tuple[Diagnostic, ...]:
    """A note on a pattern that names only the block <domain *> of a stack that has other domains."""
    given = [pattern for pattern in (*choice.targets, *choice.excludes) if is_catch_all(pattern)]
    if not given:
        return ()
    blocks = (address for target in targets for address in target.fresh().desired.blocks)
    if not any(address.kind == "domain" and address.key != "*" for address in blocks):
        return ()
    detail = f"{given[0]} is the block <domain *> only. To name every domain, write {ALL_DOMAINS}."
    return (CATCH_ALL_ONLY.diagnostic(detail),)
