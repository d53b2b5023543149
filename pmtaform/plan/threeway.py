"""Three-way comparison of a value: what the last apply left, and where it changed since: on the host, in the stack, or
both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pmtaform.lang.blocks import Block
from pmtaform.plan.explain import explain
from pmtaform.plan.model import Cause, ValueChange

_Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class ValueDrift:
    """One value that is not as the last apply left it: what was left, what the host has, what the stack has now.

    Empty: the value is missing. `cause` HOST: the stack still has what was left; BOTH: it now has something else.
    """

    path: tuple[str, ...]
    name: str
    left: tuple[str, ...]
    now: tuple[str, ...]
    wanted: tuple[str, ...]
    cause: Cause
    settled: bool = False  # the stack now has what the host has


def with_causes(
    changes: Iterable[ValueChange], left: Block, live: Block | None, wanted: Block | None
) -> tuple[ValueChange, ...]:
    """The changes from `live` to `wanted`, each with its author since `left`."""
    on_host, in_stack = _by_key(left, live), _by_key(left, wanted)
    return tuple(_caused(change, on_host, in_stack) for change in changes)


def _caused(change: ValueChange, on_host: dict[_Key, ValueChange], in_stack: dict[_Key, ValueChange]) -> ValueChange:
    key = (change.path, change.name)
    was = on_host.get(key) or in_stack.get(key)
    if was is None:
        return change
    cause = Cause.BOTH if key in on_host and key in in_stack else Cause.HOST if key in on_host else Cause.STACK
    return replace(change, applied=was.before, cause=cause)


def drift_of_values(left: Block | None, live: Block | None, wanted: Block | None) -> tuple[ValueDrift, ...]:
    """The values that changed on the host since the last apply."""
    in_stack, to_do = _by_key(left, wanted), _by_key(live, wanted)
    values = []
    for change in explain(left, live):
        key = (change.path, change.name)
        says = to_do[key].after if key in to_do else change.after
        cause = Cause.BOTH if key in in_stack else Cause.HOST
        drift = ValueDrift(change.path, change.name, change.before, change.after, says, cause, settled=key not in to_do)
        values.append(drift)
    return tuple(values)


def _by_key(before: Block | None, after: Block | None) -> dict[_Key, ValueChange]:
    return {(change.path, change.name): change for change in explain(before, after)}
