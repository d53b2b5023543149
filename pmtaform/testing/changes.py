"""A transaction on a host in memory, step by step, as the host's program makes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pmtaform.host.model import ABSENT, Answer
from pmtaform.testing.paths import matches, path_problem
from pmtaform.testing.powermta import TIMED_OUT
from pmtaform.testing.transactions import (
    Entry,
    KeptGeneration,
    Life,
    MemoryFile,
    MemoryTransaction,
    Settled,
    TransactionResult,
)

if TYPE_CHECKING:
    from pmtaform.testing.host import MemoryHost

STAGED_FOR: Final = 86400
_SETTLING: Final = frozenset({"lock", "undo", "confirm", "keep", "record"})
_FULL: Final = "the disk is full"


class StepFailed(Exception):
    """A step of a transaction cannot be done. `status`: what the transaction then is, where that is not usual."""

    def __init__(self, why: str, *, step: str = "", status: str = "") -> None:
        self.why = why
        self.step = step
        self.status = status
        super().__init__(why)


class Died(Exception):
    """The program was killed at a step."""


class Changes:
    """The steps of the transactions on `host`."""

    def __init__(self, host: MemoryHost) -> None:
        self._host = host
        self._kept = host.kept

    # -- the whole -----------------------------------------------------------------------------------------------------

    def make(self, tx: MemoryTransaction) -> None:
        """Make a transaction from its start, to its record or to where it waits. Raises `Died`."""
        if not self._enter(tx):
            return
        if tx.request.op == "recover":
            why = self._untaken()
            self._finish(
                tx,
                TransactionResult("refused", "undo-activate", why) if why else TransactionResult("applied", "recover"),
            )
            return
        try:
            self._at(tx, "check")
            self._compare(tx)
            self._prepare(tx)
            if tx.request["stage"] == "yes":
                self._rehearse(tx)
        except StepFailed as failed:
            self._give_up(tx, failed)
            return
        if tx.request["stage"] == "yes":
            self._wait(tx, Life.STAGED, STAGED_FOR)
        else:
            self._go_on(tx)

    def resume(self, tx: MemoryTransaction) -> None:
        """Go on with a staged transaction."""
        tx.life = Life.WORKING
        waiting = self._recover_all(tx)
        try:
            if waiting is not None:
                raise StepFailed(*waiting[:1], step="lock", status="locked")
            self._at(tx, "check")
            self._compare(tx)
            self._may_reload(tx)
        except StepFailed as failed:
            self._give_up(tx, failed)
            return
        self._go_on(tx)

    def confirm(self, tx: MemoryTransaction) -> None:
        """Settle a pending transaction as applied."""
        tx.is_confirmed, tx.life = True, Life.WORKING
        self._at(tx, "confirm")
        self._conclude(tx)

    def take_back(self, tx: MemoryTransaction, why: str) -> None:
        """Settle a staged or pending transaction as undone."""
        life, tx.life = tx.life, Life.WORKING
        if life is Life.PENDING:
            self._roll_back(tx, "confirm", why)
        else:
            tx.step = "staged"
            self._give_up(tx, StepFailed(why))

    def expire(self, tx: MemoryTransaction) -> None:
        """Settle a pending transaction whose time is over."""
        self.take_back(tx, _not_confirmed(tx))

    # -- before anything is changed ------------------------------------------------------------------------------------

    def _enter(self, tx: MemoryTransaction) -> bool:
        self._at(tx, "lock")
        waiting = self._recover_all(tx)
        if waiting is None:
            return True
        why, holder = waiting
        self._finish(tx, TransactionResult("locked", "lock", why), holder.owner())
        return False

    def _recover_all(self, tx: MemoryTransaction) -> tuple[str, MemoryTransaction] | None:
        """Settle what dead programs left and clear away what is staged; what is pending is returned, with its words."""
        self._take_untaken(tx)
        waiting = None
        for other in [other for other in self._kept.open.values() if other is not tx]:
            if other.life is Life.PENDING:
                left = round(other.deadline - self._host.now)
                words = f"a change that awaits its confirmation, and rolls back by itself in {left} s without it"
                waiting = (words, other)
            else:
                self._recover(other, tx)
        return waiting

    def _compare(self, tx: MemoryTransaction) -> None:
        """Raise `StepFailed` unless the host is what the change was planned from."""
        expected = [(line[2], line[1]) for line in tx.request.lines if line[0] == "expect"]
        changed = [(line[9], line[8]) for line in tx.request.lines if line[0] in ("write", "remove")]
        for path, wanted in (*expected, *changed):
            file = self._host.files.get(path)
            if wanted not in ("?", ABSENT if file is None else file.digest):
                raise StepFailed(f"{path} is not what it was when the change was planned", status="stale")
        for pattern, names in _patterns(tx.request.lines):
            if matches(self._host.files, pattern) != names:
                raise StepFailed(f"{pattern} names other files than when the change was planned", status="stale")

    def _prepare(self, tx: MemoryTransaction) -> None:
        self._at(tx, "policy")
        request = tx.request
        if request["activation"] != "none" and self._host.pmta is None:
            raise StepFailed(f"there is no {request['pmta']} on this host")
        if request["activation"] == "restart" and not request.all("restart"):
            raise StepFailed("no way to restart PowerMTA was found")
        tx.entries = [self._entry(tx, line) for line in request.lines if line[0] in ("write", "remove")]
        for step in ("stage", "backup", "prove"):
            self._at(tx, step)
        self._may_reload(tx)

    def _entry(self, tx: MemoryTransaction, line: list[str]) -> Entry:
        action, number, kind, mode, owner, group, _, source, expected, path = line
        if problem := path_problem(path, tx.request.all("allowed"), self._host.files):
            raise StepFailed(problem)
        old = self._host.files.get(path)
        if action == "remove":
            return Entry(number, kind, path, old, None, expected)
        content = tx.request.contents.get(number)
        if content is None:
            content = self._kept.copy(source.removeprefix("kept/"))
        if content is None:
            raise StepFailed(f"the kept copy of {path} is gone")
        default = old or MemoryFile(b"", 0o600 if kind == "key" else 0o640)
        new = MemoryFile(
            content,
            default.mode if mode == "-" else int(mode, 8),
            default.owner if owner == "-" else owner,
            default.group if group == "-" else group,
        )
        return Entry(number, kind, path, old, new, expected)

    def _may_reload(self, tx: MemoryTransaction) -> None:
        if tx.request["activation"] != "reload":
            return
        self._at(tx, "running")
        if why := self._why_not_running(tx):
            raise StepFailed(f"PowerMTA is not running on this host, and a reload needs it ({why})")

    def _rehearse(self, tx: MemoryTransaction) -> None:
        """`pmta test config` on the new files, which nothing else sees: nothing is changed afterwards."""
        if tx.request["test"] != "yes" or self._host.pmta is None:
            return
        before = dict(self._host.files)
        try:
            self._put(tx, "write")
            self._test(tx)
        finally:
            self._host.files = before
        tx.is_proved = True

    # -- the change ----------------------------------------------------------------------------------------------------

    def _go_on(self, tx: MemoryTransaction) -> None:
        try:
            self._commit(tx)
        except StepFailed as failed:
            self._roll_back(tx, tx.step, failed.why)
            return
        seconds = tx.request.number("confirm")
        if tx.request["activation"] == "none" or not seconds:
            self._conclude(tx)
        else:
            self._at(tx, "pending")
            self._wait(tx, Life.PENDING, seconds)

    def _commit(self, tx: MemoryTransaction) -> None:
        self._at(tx, "begin")
        tx.is_begun = True
        self._put(tx, "write", "key")
        self._put(tx, "write", "config")
        self._put(tx, "remove", "config")
        if tx.request["test"] == "yes" and self._host.pmta is not None and not tx.is_proved:
            self._test(tx)
        if tx.request["activation"] == "none":
            return
        self._at(tx, "activate")
        tx.is_activated = True
        self._activate(tx)
        self._at(tx, "health")
        if why := self._why_not_running(tx):
            raise StepFailed(why)
        self._kept.untaken = None
        self._at(tx, "ask")
        self._ask(tx)

    def _put(self, tx: MemoryTransaction, action: str, kind: str = "") -> None:
        for entry in tx.entries:
            if kind in ("", entry.kind) and (action == "remove") == (entry.new is None):
                self._at(tx, f"remove-{entry.kind}" if action == "remove" and entry.kind == "key" else "commit-config")
                if entry.new is None:
                    self._host.files.pop(entry.path, None)
                else:
                    self._host.files[entry.path] = entry.new

    def _test(self, tx: MemoryTransaction) -> None:
        self._at(tx, "test")
        self._run(tx, "pmta test config", "test", "config")

    def _activate(self, tx: MemoryTransaction) -> None:
        if tx.request["activation"] == "restart":
            self._run(tx, "restart of pmta", *(tx.request.all("restart")[1:] or ["restart"]))
        else:
            self._run(tx, "pmta reload", "reload")

    def _ask(self, tx: MemoryTransaction) -> None:
        questions = [line[1:] for line in tx.request.lines if line[0] == "ask"]
        for number, words in enumerate(questions, 1):
            tx.answers += told_answer(number, self._pmta(*words))

    def _conclude(self, tx: MemoryTransaction) -> None:
        self._put(tx, "remove", "key")
        self._at(tx, "keep")
        if not self._kept.generations or self._kept.generations[-1].request is not tx.request:
            named = [line[2] for line in tx.request.lines if line[0] == "base"] if tx.request.record else []
            base = b"".join(self._host.files[path].content for path in named)
            made = KeptGeneration(self._kept.newest + 1, tx.request, tuple(tx.entries), base)
            self._kept.generations.append(made)
            del self._kept.generations[: -max(1, tx.request.number("keep"))]
        self._finish(tx, TransactionResult("applied", generation=self._kept.newest))

    # -- and back ------------------------------------------------------------------------------------------------------

    def _roll_back(self, tx: MemoryTransaction, step: str, why: str) -> None:
        self._finish(tx, self._undone(tx, step, why))

    def _give_up(self, tx: MemoryTransaction, failed: StepFailed) -> None:
        """Nothing was changed, or for a rehearsal only."""
        step = failed.step or tx.step
        status = failed.status or ("rolled-back" if step == "test" else "refused")
        self._finish(tx, TransactionResult(status, "check" if failed.status else step, failed.why))

    def _undone(self, tx: MemoryTransaction, step: str, why: str) -> TransactionResult:
        """Put every file back, and have PowerMTA load them if it may have loaded the others."""
        self._at(tx, "undo")
        if tx.is_begun:
            for entry in tx.entries:
                if entry.old is None:
                    self._host.files.pop(entry.path, None)
                else:
                    self._host.files[entry.path] = entry.old
        if not tx.is_activated:
            return TransactionResult("rolled-back", step, why)
        try:
            self._activate(tx)
            if problem := self._why_not_running(tx):
                raise StepFailed(problem)
        except StepFailed as failed:
            reason = f"{why}; the old files are restored, but PowerMTA did not load them: {failed.why}"
            self._kept.untaken = (tx, reason)
            return TransactionResult("rollback-failed", step, reason)
        self._kept.untaken = None
        return TransactionResult("rolled-back", step, why)

    def _recover(self, dead: MemoryTransaction, successor: MemoryTransaction) -> None:
        """Settle what a dead program left, or what was staged, and note it for the record of `successor`."""
        broken = "staged" if dead.life is Life.STAGED else dead.step
        why = f"it was interrupted at the step {broken}"
        if dead.life is Life.STAGED:
            why = "another transaction came first and removed it"
        if dead.is_confirmed:
            how = "finished"
            self._conclude(dead)
        elif dead.is_begun:
            how = "undone"
            self._finish(dead, self._undone(dead, broken, why))
        else:
            how = "discarded"
            self._finish(dead, TransactionResult("refused", broken, why))
        status = self._kept.settled[dead.id].verdict.status
        successor.recovered.append(f"recovered {dead.id} {how} {status} {broken}")

    def _take_untaken(self, tx: MemoryTransaction) -> None:
        if self._kept.untaken is None:
            return
        owed, _ = self._kept.untaken
        try:
            self._activate(owed)
            if self._why_not_running(owed):
                return
        except StepFailed:
            return
        self._kept.untaken = None
        tx.recovered.append(f"recovered {owed.id} taken applied undo-activate")

    def _untaken(self) -> str:
        if self._kept.untaken is None:
            return ""
        owed, why = self._kept.untaken
        return f"the transaction {owed.id} was undone: {why}"

    def _finish(self, tx: MemoryTransaction, verdict: TransactionResult, more: Iterable[str] = ()) -> None:
        self._at(tx, "record")
        answers = [] if tx.request.number("confirm") else tx.answers
        lines = (*tx.recovered, *more, *tx.doubts, *answers)
        self._kept.settled[tx.id] = Settled(verdict, tx.request, lines, tx.output)
        self._kept.open.pop(tx.id, None)

    # -- PowerMTA, steps and time --------------------------------------------------------------------------------------

    def _wait(self, tx: MemoryTransaction, life: Life, seconds: float) -> None:
        tx.life, tx.deadline = life, self._host.now + seconds

    def _at(self, tx: MemoryTransaction, step: str) -> None:
        """The start of a step: what a test wants to happen there happens."""
        tx.step = step if step != "record" else tx.step
        fault = self._host.faults.pop(step, None)
        if fault == "dies" or (fault and step in _SETTLING):
            raise Died  # without room for a record, the program leaves it to the next
        if fault == "fails":
            raise StepFailed(_FULL)

    def _pmta(self, *words: str) -> Answer:
        if self._host.pmta is None:
            return Answer(127, "")
        return self._host.pmta.answer(self._host, words)

    def _run(self, tx: MemoryTransaction, name: str, *words: str) -> Answer:
        """Run a command. Raises `StepFailed` where its exit code, or a known text, means failure."""
        answer = self._pmta(*words)
        if answer.exit_code:
            tx.output = answer.text
            late = answer.exit_code == TIMED_OUT
            why = f"no answer within {tx.request['timeout']} s" if late else f"exit {answer.exit_code}"
            raise StepFailed(f"{name}: {why}")
        text = " ".join(answer.text.lower().split())
        command = {"test": "test-config", "restart": "reload"}.get(words[0], words[-1])
        if any(known in text for known in _texts(tx, "failure", command)):
            tx.output = answer.text
            raise StepFailed(f'{name} ended with 0, but answered: "{answer.text.strip()}"')
        return answer

    def _why_not_running(self, tx: MemoryTransaction) -> str:
        try:
            self._run(tx, "pmta show status", "show", "status")
        except StepFailed as failed:
            return failed.why if "answered" not in failed.why else f"{failed.why}, so it is not running"
        return ""


def told_answer(number: int, answer: Answer) -> list[str]:
    """An answer to a question, as a record tells it."""
    return [f"said {number} {answer.exit_code}", *(f"> {line}" for line in answer.text.splitlines())]


def _texts(tx: MemoryTransaction, meaning: str, command: str) -> list[str]:
    rows = [value.partition(" ") for value in tx.request.all(meaning)]
    return [text.strip() for name, _, text in rows if name == command and text.strip()]


def _not_confirmed(tx: MemoryTransaction) -> str:
    return f"the change was not confirmed within {tx.request['confirm']} s"


def _patterns(lines: list[list[str]]) -> list[tuple[str, list[str]]]:
    patterns: list[tuple[str, list[str]]] = []
    for line in lines:
        if line[0] == "pattern":
            patterns.append((line[1], []))
        elif line[0] == "match":
            patterns[-1][1].append(line[1])
    return patterns
