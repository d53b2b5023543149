"""From what a host should have, what it has, and what we applied last, to the changes of one host.

declared, not there                             create
declared, different                             update   (drift, if it is not what we applied last)
applied by us before, no longer declared        delete
there, never declared, never ours               left alone and counted, or deleted (`unmanaged: remove`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.plans import PROTECTED
from pmtaform.diagnostics.codes.rotation import DKIM_KEY_KEPT
from pmtaform.lang import values
from pmtaform.lang.blocks import Address, Block, BlockPart, blocks_of, impact_of, spec_of
from pmtaform.lang.catalogue import GLOBAL, Impact, catalogue
from pmtaform.lang.edit import FileEdit, edit
from pmtaform.lang.late_definitions import late_lists
from pmtaform.model.desired import FILE, Desired, KeyFile, ManagedFile, Unmanaged
from pmtaform.model.selection import Selection, matches
from pmtaform.plan.dependencies import along
from pmtaform.plan.explain import explain, place_change, scope_of
from pmtaform.plan.files import FileDifference, Scope, compare_files
from pmtaform.plan.inputs import Live, LiveKey, Previous, left_digest
from pmtaform.plan.keys import key_change, key_in_use, key_removed
from pmtaform.plan.model import Action, Change, HostPlan, Left, LeftBy, Reason, ValueChange
from pmtaform.plan.reach import UsedNames, read_at_start
from pmtaform.plan.threeway import with_causes

ABSENT = "-"

_DRIFT = frozenset({Reason.DRIFT, Reason.BOTH, Reason.MISSING})

Keyed = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of one host, and the edits that make them."""

    plan: HostPlan
    edits: Mapping[str, FileEdit] = field(default_factory=dict)
    write_keys: tuple[KeyFile, ...] = ()
    write_files: tuple[ManagedFile, ...] = ()
    remove_keys: tuple[str, ...] = ()  # paths of keys and managed files
    owned: Mapping[str, str] = field(default_factory=dict)  # address -> keyed digest, once applied
    owned_keys: Mapping[str, str] = field(default_factory=dict)  # address -> path, once applied


def unchanged(desired: Desired, previous: Previous, keyed: Keyed) -> bool:
    """Whether a host whose files are those that we applied last has all that is wanted, and nothing to delete.

    This is the answer for most hosts of most plans, and needs none of the host's files.
    """
    if desired.unmanaged is Unmanaged.REMOVE and previous.unmanaged:
        return False
    if desired.ignore and any(_is_ignored(desired, address) for address in desired.blocks):
        return False  # whether an ignored block differs is not known from what we applied
    wanted = {str(a): b for a, b in desired.blocks.items()}
    if wanted.keys() != previous.blocks.keys():
        return False
    if {str(k.address): k.path for k in desired.whole_files} != dict(previous.keys):
        return False
    return all(previous.blocks[address] == keyed(_canonical(block.parts)) for address, block in wanted.items())


@lru_cache(maxsize=16384)
def _canonical(parts: tuple[BlockPart, ...]) -> bytes:
    """The content of a wanted block, worked out once for all hosts that share it."""
    return Block(Address(""), parts).canonical()


def difference(
    desired: Desired,
    live: Live,
    previous: Previous,
    keyed: Keyed,
    selection: Selection | None = None,
) -> Difference:
    """What has to change on one host."""
    selection = selection or Selection()
    found = _Comparison(desired, live, previous, keyed, selection).run()
    if not (selection.targets or selection.excludes):
        return found
    ours = {path: Address.parse(name) for name, path in previous.keys.items()}
    more = along(desired, live.configuration, ours, found.plan)
    if more.taken:
        selection = replace(selection, also=frozenset(more.taken))
        found = _Comparison(desired, live, previous, keyed, selection).run()
    notes = (*found.plan.notes, *more.notes(desired.host))
    return replace(found, plan=replace(found.plan, notes=notes))


class _Comparison:
    def __init__(self, desired: Desired, live: Live, previous: Previous, keyed: Keyed, selection: Selection) -> None:
        self.desired = desired
        self.live = live
        self.previous = previous
        self.keyed = keyed
        self.selection = selection
        self.blocks = blocks_of(live.configuration)
        self.applied = previous.blocks if previous.left is None else previous.left
        self.changes: list[Change] = []
        self.left: list[Left] = []
        self.notes: list[Diagnostic] = []
        self.wanted: dict[Address, Block] = {}
        self.removed: list[Address] = []
        self.moved: dict[Address, BlockPart] = {}
        self.owned: dict[str, str] = {}
        self.adopted: list[str] = []
        self.forgotten: list[str] = []
        self.unmanaged = 0
        self.owned_keys: dict[str, str] = {}
        self.write_keys: list[KeyFile] = []
        self.remove_keys: list[str] = []

    def run(self) -> Difference:
        from pmtaform.plan.dangers.by_change import many_deletions

        for address, block in self.desired.blocks.items():
            self._declared(address, block)
        self._undeclared()
        self._late()
        for key in self.desired.keys:
            self._key(key)
        edits = edit(
            self.live.configuration,
            self.wanted,
            self.removed,
            files=self.desired.files,
            live=self.blocks,
            before=self.moved,
        )
        named = UsedNames(self.live.configuration, edits)
        self._undeclared_keys(named)
        files = self._files(named)
        deletions = sum(1 for c in self.changes if c.action is Action.DELETE) - len(files.remove)
        limits = self.desired.limits
        plan = HostPlan(
            host=self.desired.host,
            changes=tuple(self.changes),
            left=tuple(self.left),
            adopted=tuple(self.adopted),
            forgotten=tuple(self.forgotten),
            unmanaged=self.unmanaged,
            dangers=many_deletions(deletions, len(self.blocks), limits.deletions_percent, limits.deletions_free),
            notes=tuple(self.notes),
        )
        return Difference(
            plan=plan,
            edits=edits,
            write_keys=tuple(self.write_keys),
            write_files=tuple(files.write),
            remove_keys=(*self.remove_keys, *files.remove),
            owned=self.owned,
            owned_keys=self.owned_keys,
        )

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _declared(self, address: Address, block: Block) -> None:
        name = str(address)
        live = self.blocks.get(address)
        same = live is not None and live.same_as(block)
        action = Action.CREATE if live is None else Action.UPDATE
        if _is_ignored(self.desired, address):
            if not same:
                self._leave(address, action, LeftBy.IGNORE)
            return
        digest = self.keyed(_canonical(block.parts))
        if same:
            self.owned[name] = digest
            if name not in self.previous.blocks:
                self.adopted.append(name)
            return
        if self._is_left(address, action, block):
            self._keep_ownership(name)
            return
        self.wanted[address] = block
        self.owned[name] = digest
        self._change(address, action, self._reason(name, live, block), live, block)

    def _leave(self, address: Address, action: Action, by: LeftBy) -> None:
        self.left.append(Left(str(address), action, by))

    def _is_left(self, address: Address, action: Action, block: Block | None = None) -> bool:
        """Whether the choice of blocks or `protect` keeps a change from being made; it is noted then."""
        by = self._kept_by(address, action, block)
        if by is not None:
            self._leave(address, action, by)
        return by is not None

    def _kept_by(self, address: Address, action: Action, block: Block | None) -> LeftBy | None:
        host = self.desired.host
        if self.selection.excluded(host, address):
            return LeftBy.EXCLUDE
        if not self.selection.targeted(host, address):
            return LeftBy.TARGET
        pattern = next((p for p in self.desired.protect if matches(p, str(address))), None)
        if pattern is None or action is Action.CREATE:
            return None
        what = "deleted" if action is Action.DELETE else "changed"
        self.notes.append(_protected_note(host, address, what, pattern, block))
        return LeftBy.PROTECT

    def _keep_ownership(self, name: str) -> None:
        if name in self.previous.blocks:
            self.owned[name] = self.previous.blocks[name]

    def _reason(self, name: str, live: Block | None, wanted: Block) -> Reason:
        applied = self.applied.get(name)
        if live is None:
            return Reason.MISSING if self._is_applied(applied, wanted) else Reason.NEW
        if applied is None or self._is_applied(applied, live):
            return Reason.CHANGED
        return Reason.DRIFT if self._is_applied(applied, wanted) else Reason.BOTH

    def _is_applied(self, applied: str | None, block: Block) -> bool:
        """Whether a digest is that of a block, wherever an apply left it."""
        return applied is not None and applied in (self.keyed(block.canonical()), self._below(block))

    def _below(self, block: Block) -> str:
        """The digest of a list that an apply left below its source."""
        return left_digest(block, self.keyed, is_below=True)

    def _undeclared(self) -> None:
        for address, block in self.blocks.items():
            name = str(address)
            if address in self.desired.blocks:
                continue
            if _is_ignored(self.desired, address):
                if name in self.previous.blocks or self.desired.unmanaged is Unmanaged.REMOVE:
                    self._leave(address, Action.DELETE, LeftBy.IGNORE)
                continue
            if name in self.previous.blocks:
                self._delete(address, block, Reason.REMOVED)
            elif self.desired.unmanaged is Unmanaged.REMOVE:
                self._delete(address, block, Reason.UNMANAGED)
            else:
                self.unmanaged += 1
        gone = self.previous.blocks.keys() - {str(a) for a in (*self.blocks, *self.desired.blocks)}
        self.forgotten += sorted(gone)

    def _delete(self, address: Address, block: Block, reason: Reason) -> None:
        if self._is_left(address, Action.DELETE, block):
            self._keep_ownership(str(address))
            return
        self.removed.append(address)
        self._change(address, Action.DELETE, reason, block, None)

    def _change(
        self, address: Address, action: Action, reason: Reason, before: Block | None, after: Block | None
    ) -> None:
        from pmtaform.plan.dangers.by_change import restart_needed

        changed = explain(before, after)
        left = self.previous.base.get(address) if self.previous.base is not None and reason in _DRIFT else None
        if left is not None:
            changed = with_causes(changed, left, before, after)
        impact, note = _impact(address, action, changed)
        block = after or before
        if block is None:
            raise AssertionError("a change without a block")
        file = before.parts[0].tree.path if before else self.desired.files.get(address, self.desired.config)
        if impact is Impact.RESTART and not self.desired.activates:
            impact, note = Impact.RELOAD, "takes effect when PowerMTA is restarted; this host's `activation` is none"
        self.changes.append(
            Change(
                address=str(address),
                action=action,
                reason=reason,
                values=changed,
                impact=impact,
                impact_note=note,
                file=file,
                place=_place(changed) or block.place,
                dangers=restart_needed(address, impact),
            )
        )

    def _late(self) -> None:
        """Move the lists that are, or would be, below a source that uses them, where the stack has them above it."""
        sides = (self.live.configuration, self.blocks, self.wanted, self.removed)
        late = late_lists(*sides)
        moving = late_lists(*sides, declared=self.desired.blocks) if late else {}
        for address in late.keys() - moving.keys():
            self._own_below(address)
        for address, found in moving.items():
            block = self.desired.blocks[address]
            moves = place_change(found, block.place)
            if address in self.wanted:
                self.moved[address] = found.part
                at = next(n for n, change in enumerate(self.changes) if change.address == str(address))
                self.changes[at] = replace(self.changes[at], values=(*self.changes[at].values, moves))
            elif _is_ignored(self.desired, address):
                self._leave(address, Action.UPDATE, LeftBy.IGNORE)
            elif self._is_left(address, Action.UPDATE, block):
                self._keep_late(address)
            else:
                self.moved[address] = found.part
                self._move(address, block, moves)

    def _keep_late(self, address: Address) -> None:
        """Own a list that stays below its source only if it was ours."""
        name = str(address)
        if name in self.adopted:
            self.adopted.remove(name)
            del self.owned[name]
        self._own_below(address)

    def _own_below(self, address: Address) -> None:
        """Own a list as one that is below its source: every plan looks at it, for a stack may come to have it above."""
        name = str(address)
        if name in self.owned:
            self.owned[name] = self._below(self.desired.blocks[address])

    def _move(self, address: Address, block: Block, moves: ValueChange) -> None:
        name = str(address)
        if name in self.adopted:
            self.adopted.remove(name)
        was_above = name in self.previous.blocks and self.applied.get(name) != self._below(block)
        reason = Reason.DRIFT if was_above else Reason.CHANGED
        file = self.blocks[address].parts[0].tree.path
        change = Change(
            address=name, action=Action.UPDATE, reason=reason, values=(moves,), file=file, place=block.place
        )
        self.changes.append(change)

    # -- key files -----------------------------------------------------------------------------------------------------

    def _key(self, key: KeyFile) -> None:
        name = str(key.address)
        if key.lost and not _is_ignored(self.desired, key.address):
            self._lost_key(key)
            return
        live = self.live.keys.get(key.path, LiveKey(exists=False, same=False))
        wrong_mode = live.exists and live.mode & 0o077 & ~key.mode != 0
        wrong_owner = live.exists and (
            (key.owner is not None and key.owner != live.owner) or (key.group is not None and key.group != live.group)
        )
        settled = live.exists and live.same and not wrong_mode and not wrong_owner
        action = Action.UPDATE if live.exists else Action.CREATE
        if _is_ignored(self.desired, key.address):
            if not settled:
                self._leave(key.address, action, LeftBy.IGNORE)
            return
        if settled:
            self.owned_keys[name] = key.path
            if name not in self.previous.keys:
                self.adopted.append(name)
            return
        if self._is_left(key.address, action):
            if name in self.previous.keys:
                self.owned_keys[name] = self.previous.keys[name]
            return
        self.owned_keys[name] = key.path
        self.write_keys.append(key)
        self.changes.append(key_change(key, live, ours=name in self.previous.keys, wrong_mode=wrong_mode))

    def _lost_key(self, key: KeyFile) -> None:
        """The file of a key that signs no more and cannot be had: what is ours stays ours, and as it is."""
        name = str(key.address)
        if name in self.previous.keys:
            self.owned_keys[name] = self.previous.keys[name]
        detail = f"{key.domain}/{key.selector} signs no more, and mail that it is for may still wait: {key.lost} Its "
        detail += "file on the host stays as it is until no mail needs it, and cannot be written again if it is lost."
        self.notes.append(DKIM_KEY_KEPT.diagnostic(detail, key.place, host=self.desired.host))

    def _undeclared_keys(self, named: UsedNames) -> None:
        wanted = {str(k.address): k.path for k in self.desired.keys}
        paths = {*wanted.values(), *(file.path for file in self.desired.managed)}
        for name, path in self.previous.keys.items():
            address = Address.parse(name)
            if address.kind == FILE:
                continue
            moved = name in wanted and wanted[name] != path and self.owned_keys.get(name) == wanted[name]
            if (name in wanted and not moved) or path in paths:
                continue
            if not self.live.keys.get(path, LiveKey(exists=False, same=False)).exists:
                if name not in wanted and not _is_ignored(self.desired, address):
                    self.forgotten.append(name)
                continue
            if _is_ignored(self.desired, address):
                self._leave(address, Action.DELETE, LeftBy.IGNORE)
                continue
            if self._is_left(address, Action.DELETE):
                self.owned_keys.setdefault(name, path)
                continue
            if named.as_key(path):
                self.owned_keys.setdefault(name, path)
                self._leave(address, Action.DELETE, LeftBy.IN_USE)
                self.notes.append(key_in_use(self.desired.host, address, path))
                continue
            self.remove_keys.append(path)
            self.changes.append(
                Change(
                    address=name,
                    action=Action.DELETE,
                    reason=Reason.REMOVED,
                    values=(ValueChange((), "file", (path,), ()),),
                    file=path,
                    dangers=() if name in self.desired.retired else (key_removed(path),),
                )
            )

    # -- managed files -------------------------------------------------------------------------------------------------

    def _files(self, named: UsedNames) -> FileDifference:
        """The changes of managed files, which are kept with those of blocks and keys."""
        configuration = self.live.configuration
        scope = Scope(
            host=self.desired.host,
            ours=self.previous.keys,
            ignored=lambda address: _is_ignored(self.desired, address),
            leave=self._leave,
            is_left=self._is_left,
            keyed=self.keyed,
            configuration=configuration.trees.keys() - configuration.fragments,
            named=named,
            at_start=read_at_start({**self.blocks, **self.wanted}),
            activates=self.desired.activates,
            now=self.live.now,
        )
        kept = [key.path for key in self.desired.keys]
        found = compare_files(self.desired.managed, self.live.files, kept, scope)
        self.changes += found.changes
        self.notes += found.notes
        self.adopted += found.adopted
        self.forgotten += found.forgotten
        self.owned_keys |= found.owned
        return found


def _impact(address: Address, action: Action, changed: Iterable[ValueChange]) -> tuple[Impact, str]:
    """What a change needs to take effect, and a note where the guide does not say."""
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
    return impact, f"the guide does not say whether {named} needs more than a {impact}: verify after it"


def _is_default(scope: str, change: ValueChange) -> bool:
    """Whether a line comes or goes that says what holds without it."""
    spec = spec_of(scope, change.name)
    if spec is None or spec.default is None or (change.before and change.after):
        return False
    said = change.before or change.after
    return len(said) == 1 and values.normalise(spec, said[0]) == values.normalise(spec, spec.default)


def _place(changed: Iterable[ValueChange]) -> Place | None:
    return next((change.place for change in changed if change.place is not None), None)


def _is_ignored(desired: Desired, address: Address) -> bool:
    return any(matches(pattern, str(address)) for pattern in desired.ignore)


def _protected_note(host: str, address: Address, what: str, pattern: str, block: Block | None) -> Diagnostic:
    return PROTECTED.diagnostic(
        f"{address} would be {what}, but `lifecycle.protect` has {pattern!r}. It is left as it is. Take the "
        "pattern out of the stack if the change is meant.",
        host=host,
        address=str(address),
        place=block.place if block is not None else None,
    )
