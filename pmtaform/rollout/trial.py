"""Checks between activation and confirmation. Each returns a sentence on the problem, or the empty text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pmtaform.clock import Clock
from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.runs import IN_FORCE_PARTLY_COMPARED, NOT_OBSERVED
from pmtaform.host import Answer, Doubt, HostSpec, Question
from pmtaform.inspection.doubts import Proof, kept, proven_by, questions, undecided
from pmtaform.inspection.predictions import Prediction, disagreements
from pmtaform.model.operations import Check, Operations
from pmtaform.progress import Phase
from pmtaform.rollout import checks
from pmtaform.rollout.figures import NoFigures, form

_SAMPLES = 20  # looks at a host while it is observed
_LEAST = 5.0  # seconds between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The clock, the host and the progress reporter that a trial uses."""

    clock: Clock
    ask: Callable[[Sequence[Question]], tuple[Answer, ...]]  # put questions to the host
    tell: Callable[[Phase, str], None]  # report progress
    remark: Callable[[Diagnostic], None]  # note something


class Trial:
    """The checks of one host, and the state of its queues."""

    def __init__(self, spec: HostSpec, operations: Operations, release: int, contact: Contact) -> None:
        self._spec = spec
        self._operations = operations
        self._release = release
        self._clock = contact.clock
        self._ask_host = contact.ask
        self._tell = contact.tell
        self._remark = contact.remark
        self._mood: checks.Mood | None = None

    def drained(self, most: int) -> str:
        """Check that the spool has at most `most` recipients left."""
        answers = self._ask_host((Question("ask", 30, (form(self._release), "show", "status")),))
        return checks.drained(answers[0], most) if answers else "the host did not answer"

    def remember(self) -> None:
        """Look at the queues before the change, for `observed` to compare with."""
        self._mood = self._look()

    def checked(
        self,
        predictions: Sequence[Prediction],
        answers: Sequence[Answer],
        doubts: Sequence[Doubt] = (),
        asked: Sequence[Proof] = (),
    ) -> str:
        """Check that the new configuration is in force, by what PowerMTA shows; then the stack's own checks.

        `doubts` are answers that leave open whether it is: then one of `asked` must prove it.
        """
        return self._in_force(predictions, answers) or self._proven(doubts, asked) or self._own_checks()

    def observed(self) -> str:
        """Watch the queues as long as `observe` requires, and compare them with those before the change."""
        operations = self._operations
        if not operations.observe or self._mood is None:
            return ""
        clock, within = self._clock, operations.confirm_within or operations.observe
        pause = min(max(operations.observe / _SAMPLES, _LEAST), max(within / 3, 1.0), operations.observe)
        ends = clock.monotonic() + operations.observe
        while clock.monotonic() < ends:
            left = ends - clock.monotonic()
            self._tell(Phase.OBSERVING, f"{left:.0f} s left")
            clock.wait(threading.Event(), min(pause, left))
            now = self._look()
            why = checks.worse(self._mood, now, operations.tolerance) if now is not None else ""
            if why:
                return why
        return ""

    def _in_force(self, predictions: Sequence[Prediction], answers: Sequence[Answer]) -> str:
        unsure: list[str] = []
        for prediction, answer in zip(predictions, answers, strict=False):
            wrong, doubtful = disagreements(prediction, answer)
            if wrong:
                return f"the configuration in force is not the new one: {'; '.join(wrong[:3])}"
            unsure += doubtful
        if unsure:
            self._remark(IN_FORCE_PARTLY_COMPARED.diagnostic("; ".join(unsure[:5]) + "."))
        return ""

    def _proven(self, doubts: Sequence[Doubt], asked: Sequence[Proof]) -> str:
        if not doubts:
            return ""
        queue = proven_by(asked, self._ask_host(questions(asked))) if asked else ""
        if not queue:
            return undecided(doubts, asked=bool(asked))
        note = kept(self._spec, doubts, queue)
        self._remark(note)
        return ""

    def _own_checks(self) -> str:
        """Run the stack's own checks, each as often as it may be tried. All requests to the host go together."""
        left = {check.name: check.tries for check in self._operations.checks}
        open_checks = list(self._operations.checks)
        why = ""
        while open_checks:
            why, again = "", []
            for check, answer in zip(open_checks, self._ask(open_checks), strict=True):
                if not answer:
                    continue
                left[check.name] -= 1
                why = why or answer
                if left[check.name] <= 0:
                    return answer
                again.append(check)
            open_checks = again
            if open_checks:
                self._tell(Phase.CHECKING, f"again: {', '.join(check.name for check in open_checks)}")
                self._clock.wait(threading.Event(), max(check.every for check in open_checks))
        return ""

    def _ask(self, asked: Sequence[Check]) -> list[str]:
        """The failure of each check, as a sentence; empty if it passed."""
        from pmtaform.rollout.client_checks import ask_from_here  # ssl and http are slow to import

        on_host = [check for check in asked if not check.from_client]
        questions = [checks.question(check, self._release) for check in on_host]
        answers = self._ask_host(questions)
        by_name = dict(zip([check.name for check in on_host], answers, strict=False))
        complaints = []
        for check in asked:
            answer = ask_from_here(check, self._spec) if check.from_client else by_name.get(check.name)
            unanswered = f"the check {check.name} was not answered"
            complaints.append(unanswered if answer is None else checks.judge(check, answer))
        return complaints

    def _look(self) -> checks.Mood | None:
        """The state of the queues now; None where PowerMTA does not show it."""
        answers = self._ask_host([checks.mood_question(self._release)])
        try:
            return checks.mood(answers[0]) if answers else None
        except NoFigures as problem:
            self._remark(NOT_OBSERVED.diagnostic(f"{problem}."))
            return None
