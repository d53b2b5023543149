"""Answers of `pmta` that are neither known as success nor as failure: what decides then, and what people read.

The table of answers is in `pmtaform.expect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.runs import ANSWER_UNKNOWN, IN_FORCE_UNKNOWN, OLD_CONFIGURATION_UNSURE
from pmtaform.expect import Command
from pmtaform.host import Answer, Doubt, HostSpec, Outcome, Question, Session, examine
from pmtaform.inspection.predictions import Prediction, is_in_force, predictions
from pmtaform.lang.includes import Configuration

_WITHIN = 30  # seconds for one question


def of_new(outcome: Outcome) -> tuple[Doubt, ...]:
    """What leaves open whether the new configuration is in force."""
    return tuple(doubt for doubt in _deciding(outcome) if not doubt.undoing)


def of_old(outcome: Outcome) -> tuple[Doubt, ...]:
    """What leaves open whether the old configuration is in force again."""
    return tuple(doubt for doubt in _deciding(outcome) if doubt.undoing)


def as_undone(outcome: Outcome) -> Outcome:
    """The outcome of a transaction that restored old files: what it has put in force is the old configuration."""
    return replace(outcome, doubts=tuple(replace(doubt, undoing=True) for doubt in outcome.doubts))


def _deciding(outcome: Outcome) -> tuple[Doubt, ...]:
    return tuple(doubt for doubt in outcome.doubts if doubt.command is not Command.TEST_CONFIG)


@dataclass(frozen=True, slots=True)
class Proof:
    """A queue whose settings may prove which configuration is in force: that which sets values, or that without."""

    prediction: Prediction
    undone: bool


def proofs(old: Configuration, new: Configuration) -> tuple[Proof, ...]:
    """What may prove that `new` is in force and no longer `old`: values that it sets, and values that it took away."""
    brought = (Proof(prediction, undone=False) for prediction in predictions(old, new))
    taken = (Proof(prediction, undone=True) for prediction in predictions(new, old))
    return (*brought, *taken)


def questions(asked: Iterable[Proof]) -> tuple[Question, ...]:
    """The questions to the host, in the order of the proofs."""
    return tuple(Question("ask", _WITHIN, proof.prediction.question) for proof in asked)


def proven_by(asked: Sequence[Proof], answers: Sequence[Answer]) -> str:
    """The first queue that proves it; empty: none does."""
    for proof, answer in zip(asked, answers, strict=False):
        if is_in_force(proof.prediction, answer, undone=proof.undone):
            return proof.prediction.queue
    return ""


def is_proven(session: Session, spec: HostSpec, old: Configuration, new: Configuration) -> bool:
    """Ask the host, and return whether that proves that `new` is in force. Raises `HostError`."""
    asked = proofs(old, new)
    answers = examine(session, spec, questions(asked))[0] if asked else ()
    return bool(proven_by(asked, answers))


# -- words -------------------------------------------------------------------------------------------------------------


def answered(doubts: Iterable[Doubt]) -> str:
    """The answers, in a sentence without its full stop."""
    lines = dict.fromkeys(f"`{doubt.command.words}` ended with 0 and answered {doubt.text}" for doubt in doubts)
    return "; ".join(lines)


def remedy(doubts: Iterable[Doubt]) -> str:
    """What to write into the stack so that the answers are understood next time."""
    return " ".join(dict.fromkeys(_remedy(doubt) for doubt in doubts))


def _remedy(doubt: Doubt) -> str:
    if doubt.text != "nothing":
        part = doubt.text.strip('"').split(" / ", 1)[0].replace('"', "")
        known = f'expect: {{{doubt.command}: {{success: ["{part}"]}}}}'
        return f"If that means success, add what is always in it to the host's settings: `{known}`."
    if doubt.command is Command.RELOAD:
        own = "`commands: {reload: [/usr/sbin/pmta, reload]}`"
        return f"If its exit code can be trusted, name the command in the host's settings: {own}."
    return f"Run `{doubt.command.words}` on the host to see why."


def tested(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A note on a test whose answer is not known, which decided nothing."""
    doubts = [doubt for doubt in outcome.doubts if doubt.command is Command.TEST_CONFIG]
    if not doubts:
        return ()
    detail = (
        f"{answered(doubts)}, which is neither known as success nor as failure. So the test did not decide; PowerMTA's "
        f"reload did. {remedy(doubts)}"
    )
    return (ANSWER_UNKNOWN.diagnostic(detail, host=spec.name, severity=Severity.INFO),)


def kept(spec: HostSpec, doubts: Sequence[Doubt], queue: str) -> Diagnostic:
    """A note on a change that is kept because its settings are in force, whatever the reload answered."""
    detail = (
        f"{answered(doubts)}, which is neither known as success nor as failure. `pmta show settings {queue}` shows "
        f"that it is in force, so the change is kept. {remedy(doubts)}"
    )
    return ANSWER_UNKNOWN.diagnostic(detail, host=spec.name)


def undecided(doubts: Sequence[Doubt], asked: bool) -> str:
    """Why a change is not kept whose being in force nothing proves."""
    why = (
        "`pmta show settings` of the changed queues does not prove it either"
        if asked
        else "the change moves no queue whose settings would show it"
    )
    return (
        f"whether PowerMTA runs the new configuration is not known: {answered(doubts)}, which is neither known as "
        f"success nor as failure, and {why}"
    )


def old_unknown(spec: HostSpec, doubts: Sequence[Doubt]) -> str:
    """What is so where the old files are restored and nothing proves that PowerMTA runs them."""
    return (
        f"The old files are back. Whether PowerMTA runs them is not known: {answered(doubts)}. Compare `pmta show "
        f"settings` on {spec.name} with the files."
    )


def recovered(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A warning where an earlier transaction was undone, and nothing proves that the old files are in force.

    It does not quote the answer: which secrets may be in it is not known here.
    """
    doubts = of_old(outcome)
    if not doubts or not outcome.recovered:
        return ()
    commands = " and ".join(dict.fromkeys(f"`{doubt.command.words}`" for doubt in doubts))
    detail = (
        "The files of an earlier transaction were rolled back. Whether PowerMTA runs the old ones is not known: "
        f"{commands} ended with 0, and the answer is neither known as success nor as failure. Run it on the host and "
        "read what it answers; `expect:` in the host's settings makes it known."
    )
    return (OLD_CONFIGURATION_UNSURE.diagnostic(detail, host=spec.name),)


def in_force_unknown(spec: HostSpec, doubts: Sequence[Doubt]) -> Diagnostic:
    """The files are as wanted, and whether PowerMTA runs them is not known."""
    detail = (
        f"The files on {spec.name} are as wanted. Whether PowerMTA runs them is not known: {answered(doubts)}, which "
        "is neither known as success nor as failure. Compare `pmta show settings` there with the files. "
        f"{remedy(doubts)}"
    )
    return IN_FORCE_UNKNOWN.diagnostic(detail, host=spec.name)
