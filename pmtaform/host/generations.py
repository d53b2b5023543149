"""What a host keeps of earlier transactions: listing, putting back, and breaking a dead lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pmtaform.diagnostics.codes.hosts import GENERATION_GONE, HOST_LOCKED, UNLOCK_FAILED
from pmtaform.errors import HostError, Locked
from pmtaform.host.answers import lock_info
from pmtaform.host.model import (
    ABSENT,
    Activation,
    FileKind,
    Generation,
    HostLock,
    HostSpec,
    Outcome,
    Record,
    Status,
)
from pmtaform.host.request import FileChange, Request
from pmtaform.host.text import decode, one_line
from pmtaform.host.transaction import Reopen, perform
from pmtaform.host.transport import Session
from pmtaform.host.wire import call, common, setting


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of a generation: what it was (`old`, mode, owner, group) and what it became (`new`)."""

    number: str
    kind: FileKind
    old: str
    mode: str
    owner: str
    group: str
    new: str
    path: str


@dataclass(slots=True)
class _Kept:
    name: str
    facts: dict[str, str] = field(default_factory=dict)
    entries: list[_Entry] = field(default_factory=list)


def generations(session: Session, spec: HostSpec) -> list[Generation]:
    """The kept generations, oldest first."""
    return [
        Generation(
            number=int(generation.name),
            transaction=generation.facts.get("transaction", ""),
            who=generation.facts.get("who", ""),
            what=generation.facts.get("what", ""),
            started=generation.facts.get("started", ""),
            status=generation.facts.get("status", ""),
            files=tuple(entry.path for entry in generation.entries),
            plan=generation.facts.get("plan", ""),
            commit=generation.facts.get("commit", ""),
        )
        for generation in _kept(session, spec)
    ]


def records(session: Session, spec: HostSpec) -> list[Record]:
    """What the host wrote down of its last transactions, whatever became of them, oldest first."""
    records_: list[dict[str, str]] = []
    for item in call(session, spec, "results", [*common(spec), b"end\n"], timeout=spec.connect_timeout + 60):
        if item.key == "result":
            records_.append({"result": one_line(item.rest)})
        elif records_:
            records_[-1][item.key] = one_line(item.rest)
    return [_record(facts) for facts in records_ if facts.get("what") != "recover"]


def _record(facts: Mapping[str, str]) -> Record:
    number = facts.get("generation", "0")
    return Record(
        transaction=facts["result"],
        status=facts.get("status", ""),
        step=facts.get("step", ""),
        reason=facts.get("reason", ""),
        generation=int(number) if number.isdigit() and facts.get("status") == Status.APPLIED else 0,
        since=facts.get("since", ""),
        who=facts.get("who", ""),
        what=facts.get("what", ""),
        plan=facts.get("plan", ""),
        commit=facts.get("commit", ""),
    )


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a rollback to before a generation changes: the files, and the digests that they must have now.

    `before` is the generation that the host returns to; 0: what it had before the first; None: not kept.
    """

    changes: tuple[FileChange, ...]
    expect: Mapping[str, str]
    digests: Mapping[str, str]  # of what is restored, by path
    newest: int
    before: int | None


def way_back(session: Session, spec: HostSpec, generation: int) -> WayBack:
    """What undoes `generation` and all later ones. Raises `HostError` when it is not kept."""
    generations = _kept(session, spec)
    numbers = [int(k.name) for k in generations]
    if generation not in numbers:
        have = ", ".join(map(str, numbers)) or "none"
        raise HostError.of(
            GENERATION_GONE, f"Generation {generation} is not on the host; it keeps: {have}.", host=spec.name
        )
    changes, left = _back_to(generations, generation)
    earlier = [number for number in numbers if number < generation]
    before = max(earlier) if earlier else 0 if generation == 1 else None
    old = {entry.path: entry.old for k in reversed(generations) if int(k.name) >= generation for entry in k.entries}
    return WayBack(tuple(changes), left, old, max(numbers), before)


def way_back_from(session: Session, spec: HostSpec, transaction: str) -> WayBack | None:
    """What undoes the change `transaction`, which awaits its confirmation; None: the host does not have it."""
    generations = _kept(session, spec, transaction)
    if not generations:
        return None
    changes, left = _back_to(generations, 0)
    return WayBack(tuple(changes), left, {entry.path: entry.old for entry in generations[0].entries}, 0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A rollback to before `generation`: a separate transaction, which makes a generation.

    `expect` are the digests that the files must have now; None: those that the last transaction on each left, so that
    a change by hand in between is `STALE`. `record` and `base` are what the host has afterwards (`left.encode`).
    """

    generation: int
    id: str
    who: str
    started: str
    what: str = ""
    activation: Activation = Activation.RELOAD
    test_config: bool = True
    restart_web: bool = False
    confirm_within: float = 0.0
    logs: Sequence[str] = ()
    expect: Mapping[str, str] | None = None
    only_newest: bool = False  # `STALE` where a later generation would be undone too
    way: WayBack | None = None  # what was looked at before, if it was
    record: bytes = field(default=b"", repr=False)
    base: Sequence[str] = ()


def rollback(session: Session, spec: HostSpec, wanted: Rollback, reopen: Reopen) -> Outcome:
    """Undo the transaction that made `wanted.generation`, and all later ones: their files become what they were.

    Raises `HostError` when the generation is not kept.
    """
    way = wanted.way or way_back(session, spec, wanted.generation)
    if wanted.only_newest and way.newest != wanted.generation:
        reason = f"generation {way.newest} was made by another run meanwhile, and would be undone with it"
        return Outcome(host=spec.name, status=Status.STALE, step="check", reason=reason)
    if not way.changes:
        return Outcome(host=spec.name, status=Status.APPLIED, reason="nothing to change")
    return perform(session, spec, "apply", _request(wanted, way), reopen)


def _request(wanted: Rollback, way: WayBack) -> Request:
    activates = wanted.activation is not Activation.NONE
    return Request(
        id=wanted.id,
        who=wanted.who,
        what=wanted.what or f"roll back to before generation {wanted.generation}",
        started=wanted.started,
        changes=way.changes,
        expect=way.expect if wanted.expect is None else wanted.expect,
        activation=wanted.activation,
        test_config=wanted.test_config,
        restart_web=wanted.restart_web,
        logs=wanted.logs,
        confirm_within=wanted.confirm_within if activates else 0.0,
        record=wanted.record,
        base=wanted.base,
    )


def release(session: Session, spec: HostSpec, *, force: bool = False) -> HostLock | None:
    """Remove a dead holder's lock and return whose it was; None: there was none.

    Raises `Locked` when the holder still runs, unless `force`, and `HostError` when it cannot be removed.
    """
    lines = [*common(spec), setting("force", "yes" if force else "no", spec.name), b"end\n"]
    items = call(session, spec, "release", lines, timeout=spec.connect_timeout + 60)
    facts = {item.key: one_line(item.rest) for item in items}
    status = facts.get("status")
    if status == "none":
        return None
    if status == "released":
        return lock_info(facts)
    if status == "locked":
        holder = lock_info(facts)
        raise Locked.of(
            HOST_LOCKED,
            f"{holder.who or 'another run'} ({holder.what}) has held it since {holder.since}, and the process is "
            "alive; wait for its end.",
            host=spec.name,
        )
    raise HostError.of(UNLOCK_FAILED, "/var/lib/pmtaform/lock; does this need sudo?", host=spec.name)


def _kept(session: Session, spec: HostSpec, transaction: str = "") -> list[_Kept]:
    """What the host keeps of its generations, or of one change that awaits its confirmation."""
    all_kept: list[_Kept] = []
    lines = [*common(spec), *([setting("id", transaction, spec.name)] if transaction else []), b"end\n"]
    for item in call(session, spec, "generations", lines, timeout=spec.connect_timeout + 60):
        if item.key == "kept":
            all_kept.append(_Kept(one_line(item.rest)))
        elif item.key == "entry" and all_kept:
            n, kind, _, old, mode, owner, group, new, path = decode(item.rest).split("\t", 8)
            all_kept[-1].entries.append(_Entry(n, FileKind(kind), old, mode, owner, group, new, path))
        elif all_kept:
            all_kept[-1].facts[item.key] = one_line(item.rest)
    return all_kept


def _back_to(generations: list[_Kept], generation: int) -> tuple[list[FileChange], dict[str, str]]:
    """The changes that lead back to before `generation`, and the digests that the last transactions left."""
    first: dict[str, tuple[str, _Entry]] = {}
    last: dict[str, str] = {}
    for one in generations:
        if int(one.name) < generation:
            continue
        for entry in one.entries:
            first.setdefault(entry.path, (one.name, entry))
            last[entry.path] = entry.new
    changes = []
    for path, (name, entry) in first.items():
        if entry.old == ABSENT:
            if last[path] != ABSENT:
                changes.append(FileChange(path, entry.kind))
        elif entry.old != last[path]:
            changes.append(
                FileChange(
                    path,
                    entry.kind,
                    kept=f"{name}/{entry.number}",
                    mode=int(entry.mode, 8),
                    owner=entry.owner,
                    group=entry.group,
                )
            )
    return changes, last
