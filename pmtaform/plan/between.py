"""The changes between two configurations of a host without a stack: a rollback, an unfinished change of another run.

Nothing is declared or owned here: every difference is a change, with the dangers that a plan would have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.lang.blocks import Address, blocks_of
from pmtaform.lang.includes import Configuration
from pmtaform.model.desired import Desired, Limits, Unmanaged
from pmtaform.plan.dangers import find_dangers, with_dangers
from pmtaform.plan.dangers.kinds import LICENCE_REMOVED, NAMED_FILE_REMOVED, RESTART, SIGNING_KEY_REPLACED
from pmtaform.plan.diff import difference
from pmtaform.plan.files import LICENCE
from pmtaform.plan.inputs import Live, Previous
from pmtaform.plan.keys import key_removed
from pmtaform.plan.model import Danger, HostPlan
from pmtaform.plan.reach import UsedNames

_KEY = "dkim-key"


@dataclass(frozen=True, slots=True)
class FileMoves:
    """Files outside of the configuration that are removed or changed. `keys` are the addresses of our keys, with
    paths.
    """

    removed: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)


def plan_between(
    host: str, before: Configuration, after: Configuration, limits: Limits, files: FileMoves | None = None
) -> HostPlan:
    """The changes from `before` to `after` on a host, with their dangers."""
    desired = Desired(host=host, config=before.main, blocks=blocks_of(after), unmanaged=Unmanaged.REMOVE, limits=limits)
    result = difference(desired, Live(before), Previous(), lambda content: hashlib.sha256(content).hexdigest())
    plan = with_dangers(result.plan, find_dangers(before, after, limits.rate_factor))
    moved = tuple(_of_files(files, after)) if files is not None else ()
    # Neither of the two changes restarts anything by itself.
    changes = tuple(
        replace(change, dangers=tuple(d for d in change.dangers if d.code != RESTART.code)) for change in plan.changes
    )
    return replace(plan, changes=changes, dangers=(*plan.dangers, *moved), notes=())


def _of_files(files: FileMoves, after: Configuration) -> Iterator[Danger]:
    keys = {path for address, path in files.keys.items() if Address.parse(address).kind == _KEY}
    named = UsedNames(after, {})
    for path in sorted(files.removed):
        if path in keys:
            yield key_removed(path)
        elif path == LICENCE:
            yield Danger(LICENCE_REMOVED.code, f"{path} is deleted. Without a licence PowerMTA does not start again.")
        elif path in named:
            detail = f"{path} is deleted, and the configuration then names it. The effect of the missing file is not "
            yield Danger(
                NAMED_FILE_REMOVED.code,
                detail + "documented: PowerMTA may reject the configuration, or continue without TLS.",
            )
    for path in sorted(files.replaced & keys):
        detail = f"{path} gets another key under the same selector. Signatures fail until DNS shows that key."
        yield Danger(SIGNING_KEY_REPLACED.code, detail)
