"""The runs of a stack, from its journal and from the generations on a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics import did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import NO_SUCH_HOST
from pmtaform.errors import UsageError
from pmtaform.host import Generation, Record
from pmtaform.project import Project
from pmtaform.rollout.transactions import adoption_id, transaction_id, undo_id
from pmtaform.state import JournalEvent, JournalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """The outcome of one host in a run. `at` is ISO 8601 in UTC; `generation` None: the host was left as it was.

    `kept` is the host's own record of the same transaction, when it was asked and still keeps it.
    """

    host: str
    outcome: str
    at: str
    reason: str = ""
    generation: int | None = None
    kept: Generation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. Times are ISO 8601 in UTC.

    `ended` and `outcome` None: it never ended, so it was killed or is at work now. `here` False: the journal does not
    know it, only the host does, for it was made from another machine or another copy of the project.
    """

    run: str
    started: str
    who: str
    what: str
    plan: str
    commit: str | None = None
    ended: str | None = None
    outcome: str | None = None
    here: bool = True
    hosts: tuple[HostRecord, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether the journal has no end of it."""
        return self.here and self.ended is None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """The runs of a stack, the newest last. `damaged` are the numbers of the journal's lines that cannot be read."""

    stack: str
    journal: str
    host: str | None = None
    runs: tuple[RunRecord, ...] = ()
    earlier: int = 0  # runs that the limit left out
    damaged: tuple[int, ...] = ()


@dataclass(slots=True)
class _Open:
    """A run while its events are being read."""

    record: RunRecord
    hosts: dict[str, HostRecord] = field(default_factory=dict)

    def closed(self) -> RunRecord:
        return replace(self.record, hosts=tuple(self.hosts.values()))


def history_of(
    project: Project, stack: str, host: str | None = None, *, limit: int | None = None, live: bool = False
) -> HistoryReport:
    """The runs of a stack, or those that had to do with one of its hosts; the last `limit` of them.

    With `live`, the generations on the host are merged in. A run that never ended is listed for every host, because the
    journal does not list the hosts that it had not reached. Raises `UsageError`, `StateDamaged`, and with
    `live` also `HostError` and `Unreachable`.
    """
    journal = project.journal(stack)
    entries = journal.read()
    runs = runs_of(entries.events)
    if host is not None:
        _require_known(project, stack, host, runs, live=live)
        runs = [_only(run, host) for run in runs if run.unfinished or any(h.host == host for h in run.hosts)]
        if live:
            runs = merged(runs, host, *_kept(project, stack, host))
    shown = runs if limit is None else runs[max(0, len(runs) - limit) :]
    return HistoryReport(
        stack=stack,
        journal=journal.place,
        host=host,
        runs=tuple(shown),
        earlier=len(runs) - len(shown),
        damaged=entries.damaged,
    )


def runs_of(events: Sequence[JournalEvent]) -> list[RunRecord]:
    """The runs in a journal, in the order of their starts."""
    started: list[_Open] = []
    latest: dict[str, _Open] = {}
    for event in events:
        if event.kind == JournalKind.STARTED or event.run not in latest:
            # A saved plan keeps its name, so a run can begin again; and a damaged line may have been a run's start.
            latest[event.run] = _Open(_begun(event))
            started.append(latest[event.run])
        _note(latest[event.run], event)
    return [run.closed() for run in started]


def _begun(event: JournalEvent) -> RunRecord:
    facts = event.facts if event.kind == JournalKind.STARTED else {}
    return RunRecord(
        run=event.run,
        started=event.at,
        who=facts.get("who", ""),
        what=facts.get("what", ""),
        plan=facts.get("plan", ""),
        commit=facts.get("commit"),
    )


def _note(run: _Open, event: JournalEvent) -> None:
    facts = event.facts
    if event.kind == JournalKind.HOST and "host" in facts:
        number = facts.get("generation", "0")
        run.hosts[facts["host"]] = HostRecord(
            host=facts["host"],
            outcome=facts.get("outcome", ""),
            at=event.at,
            reason=facts.get("reason", ""),
            generation=(int(number) or None) if number.isascii() and number.isdigit() else None,
        )
    elif event.kind == JournalKind.ENDED:
        run.record = replace(run.record, ended=event.at, outcome=facts.get("outcome", ""))


def merged(
    runs: Sequence[RunRecord], host: str, generations: Sequence[Generation], records: Sequence[Record] = ()
) -> list[RunRecord]:
    """The journal's runs of one host together with the generations and the records that it keeps, by time.

    The name of a transaction has that of its run. A run may make up to three on a host: what becomes ours, the change,
    and its undoing; the last one counts. A transaction of another journal becomes a separate run.
    """
    own = {generation.transaction: generation for generation in generations}
    unmatched = {record.transaction: record for record in records if record.transaction not in own}
    result = []
    for run in runs:
        name = transaction_id(run.run, host)
        made = [own.pop(each, None) for each in (adoption_id(run.run, host), name, undo_id(name))]
        generation, record = (
            next((each for each in reversed(made) if each is not None), None),
            unmatched.pop(name, None),
        )
        if generation is not None:
            run = _with_kept(run, host, generation)
        elif record is not None and not any(known.host == host for known in run.hosts):
            run = replace(run, hosts=(*run.hosts, _recorded(host, record)))
        result.append(run)
    result += [_elsewhere(generation, _record(host, generation)) for generation in own.values()]
    result += [_elsewhere(record, _recorded(host, record)) for record in unmatched.values()]
    return sorted(result, key=lambda run: run.started)


def _run_of(transaction: str, host: str) -> str:
    """The run that made a transaction on a host, by its name."""
    change = transaction_id("", host)
    for end in (adoption_id("", host), undo_id(change), change):
        if transaction.endswith(end):
            return transaction.removesuffix(end)
    return transaction


def _recorded(host: str, record: Record) -> HostRecord:
    """The host's record of a transaction without a generation: it rolled back, or never started."""
    outcome = record.status.replace("-", " ")
    number = record.generation or None
    return HostRecord(host=host, outcome=outcome, at=record.since, reason=record.reason, generation=number)


def _with_kept(run: RunRecord, host: str, generation: Generation) -> RunRecord:
    """The run with the host's own record; of a run that was killed, only the host knows what became of it."""
    if not any(record.host == host for record in run.hosts):
        return replace(run, hosts=(*run.hosts, _record(host, generation)))
    return replace(run, hosts=tuple(replace(h, kept=generation) if h.host == host else h for h in run.hosts))


def _elsewhere(made: Generation | Record, result: HostRecord) -> RunRecord:
    """A run that another journal has, by what one host keeps of it."""
    return RunRecord(
        run=_run_of(made.transaction, result.host),
        started=result.at,
        who=made.who,
        what=made.what,
        plan=made.plan,
        commit=made.commit or None,
        here=False,
        hosts=(result,),
    )


def _record(host: str, generation: Generation) -> HostRecord:
    return HostRecord(
        host=host, outcome=generation.status, at=generation.started, generation=generation.number, kept=generation
    )


def _only(run: RunRecord, host: str) -> RunRecord:
    return replace(run, hosts=tuple(record for record in run.hosts if record.host == host))


def _kept(project: Project, stack: str, host: str) -> tuple[Sequence[Generation], Sequence[Record]]:
    from pmtaform.api.restoring import records_of

    return records_of(project.load(stack), host)


def _require_known(project: Project, stack: str, host: str, runs: Sequence[RunRecord], *, live: bool) -> None:
    """Reject an unknown host. A host that is no longer in the stack still has a history."""
    recorded = {record.host for run in runs for record in run.hosts}
    if host in recorded and not live:
        return
    names = set(project.load(stack).hosts)
    if host not in names:
        known = sorted(names if live else names | recorded)
        raise UsageError.of(
            NO_SUCH_HOST,
            f'"{host}" is not a host of stack "{stack}"'
            + (", so it cannot be asked." if live else ", and is not in its journal.")
            + (did_you_mean(host, known) or f" Known are: {some_of(known)}."),
        )
