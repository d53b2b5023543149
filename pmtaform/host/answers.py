"""Parse a host's record of a transaction, or the state of one that has none yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pmtaform.expect import Command
from pmtaform.host.model import Answer, Doubt, HostLock, Outcome, Status
from pmtaform.host.text import clean, decode, one_line
from pmtaform.host.wire import AnswerLine


class HostFacts:
    """The lines of an answer about one transaction."""

    def __init__(self, items: Iterable[AnswerLine]) -> None:
        self.values: dict[str, str] = {}
        self.recovered: list[str] = []
        self.doubts: list[Doubt] = []
        self.hard_links: list[tuple[str, int]] = []
        self.output = ""
        self._answers: list[tuple[int, list[str]]] = []
        for item in items:
            self._take(item)
        self.status = self.values.get("status", "")

    def _take(self, item: AnswerLine) -> None:
        if item.key == "recovered":
            self.recovered.append(_recovered(one_line(item.rest)))
        elif item.key == "doubt":
            self.doubts += _doubt(decode(item.rest))
        elif item.key == "names":
            count, _, path = one_line(item.rest).partition(" ")
            self.hard_links += [(path, int(count))] if count.isdigit() else []
        elif item.key == "output":
            self.output = clean(item.data or b"")
        elif item.key == "said":
            code = item.rest.split(b" ")[-1]
            self._answers.append((int(code) if code.isdigit() else -1, []))
        elif item.key == ">":
            if self._answers:
                self._answers[-1][1].append(decode(item.rest))
        else:
            self.values.setdefault(item.key, one_line(item.rest))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers to the questions, in their order."""
        return tuple(Answer(code, "\n".join(lines)) for code, lines in self._answers)

    @property
    def left(self) -> int:
        """Seconds in which the host waits for its client."""
        text = self.values.get("left", "0")
        return int(text) if text.isdigit() else 0

    def outcome(self, host: str) -> Outcome:
        """The record as data; an unknown status stays `UNKNOWN`."""
        try:
            status = Status(self.status)
        except ValueError:
            status = Status.UNKNOWN
        reason = self.values.get("reason", "")
        if status is Status.UNKNOWN and not reason:
            reason = f"the host has no final record of it ({self.status or 'none'})"
        return Outcome(
            host=host,
            status=status,
            generation=int(self.values.get("generation", "0") or 0) if status is Status.APPLIED else 0,
            step=self.values.get("step", ""),
            reason=reason,
            output=self.output,
            recovered="; ".join(self.recovered) or None,
            lock=lock_info(self.values) if "lock-id" in self.values else None,
            answers=self.answers,
            left=self.left,
            doubts=tuple(self.doubts),
            hard_links=tuple(self.hard_links),
            unrehearsed=self.values.get("unrehearsed", ""),
        )


def lock_info(facts: Mapping[str, str]) -> HostLock:
    """The holder that an answer's `lock-…` lines name."""
    return HostLock(
        who=facts.get("lock-who", ""),
        what=facts.get("lock-what", ""),
        since=facts.get("lock-since", ""),
        transaction=facts.get("lock-id", ""),
    )


def _doubt(line: str) -> list[Doubt]:
    """`COMMAND WHICH-FILES WHAT-WAS-ANSWERED`; nothing where it is not that."""
    command, _, rest = line.partition("\t")
    which, _, text = rest.partition("\t")
    return [Doubt(Command(command), one_line(text), undoing=which == "old")] if command in set(Command) else []


def _recovered(line: str) -> str:
    """`ID HOW STATUS STEP` in words."""
    transaction, how, status, step = [*line.split(" "), "", "", "", ""][:4]
    what = {
        "finished": "had taken effect and was finished",
        "undone": "was undone: every file was restored",
        "discarded": "had changed nothing and was removed",
    }.get(how, how)
    if how == "taken":
        return f"the transaction {transaction} had been undone, and PowerMTA has accepted the old configuration now"
    if status == Status.ROLLBACK_FAILED:
        what = "was undone, but not everything could be restored"
    return f"the transaction {transaction}, interrupted at the step {step or 'receive'}, {what}"
