"""Unclear answers of `pmta`, known neither as success nor as failure: what decides then, and the messages.

The table of answers is in `pmtaform.expect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.runs import IN_FORCE_UNKNOWN, OLD_CONFIGURATION_UNVERIFIED, UNKNOWN_ANSWER
from pmtaform.expect import Command
from pmtaform.host import Answer, Doubt, HostSpec, Outcome, Question, Session, examine
from pmtaform.lang.includes import Configuration

if TYPE_CHECKING:
    from pmtaform.inspection.predictions import Prediction

_WITHIN = 30  # seconds for one question


def of_new(outcome: Outcome) -> tuple[Doubt, ...]:
    """The doubts about whether the new configuration is in force."""
    return tuple(doubt for doubt in _deciding(outcome) if not doubt.undoing)


def of_old(outcome: Outcome) -> tuple[Doubt, ...]:
    """The doubts about whether the old configuration is in force again."""
    return tuple(doubt for doubt in _deciding(outcome) if doubt.undoing)


def as_undone(outcome: Outcome) -> Outcome:
    """The outcome of a transaction that restored old files: the configuration that it activated is the old one."""
    return replace(outcome, doubts=tuple(replace(doubt, undoing=True) for doubt in outcome.doubts))


def _deciding(outcome: Outcome) -> tuple[Doubt, ...]:
    return tuple(doubt for doubt in outcome.doubts if doubt.command is not Command.TEST_CONFIG)


@dataclass(frozen=True, slots=True)
class Proof:
    """A queue whose settings may prove which configuration is in force: the one that sets values, or the one
    without.
    """

    prediction: Prediction
    undone: bool


def proofs(old: Configuration, new: Configuration) -> tuple[Proof, ...]:
    """The queues that may prove that `new` is in force instead of `old`: by values that it sets or removes."""
    from pmtaform.inspection.predictions import predictions
    from pmtaform.lang.effective import EffectiveChange

    brought = (Proof(prediction, undone=False) for prediction in predictions(EffectiveChange(old, new)))
    taken = (Proof(prediction, undone=True) for prediction in predictions(EffectiveChange(new, old)))
    return (*brought, *taken)


def questions(asked: Iterable[Proof]) -> tuple[Question, ...]:
    """The questions to the host, in the order of the proofs."""
    return tuple(Question("ask", _WITHIN, proof.prediction.question) for proof in asked)


def proven_by(asked: Sequence[Proof], answers: Sequence[Answer]) -> str:
    """The first queue that proves it; empty if none does."""
    from pmtaform.inspection.predictions import is_in_force

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
    """The lines to write into the stack so that the answers are understood next time."""
    return " ".join(dict.fromkeys(_remedy(doubt) for doubt in doubts))


def _remedy(doubt: Doubt) -> str:
    if doubt.text != "nothing":
        part = doubt.text.strip('"').split(" / ", 1)[0].replace('"', "")
        known = f'expect: {{{doubt.command}: {{success: ["{part}"]}}}}'
        return f"If that means success, add the constant part of the answer to the host's settings: `{known}`."
    if doubt.command is Command.RELOAD:
        own = "`commands: {reload: [/usr/sbin/pmta, reload]}`"
        return f"If its exit code can be trusted, name the command in the host's settings: {own}."
    return f"Run `{doubt.command.words}` on the host to see why."


def tested(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A note on a test whose unclear answer decided nothing."""
    doubts = [doubt for doubt in outcome.doubts if doubt.command is Command.TEST_CONFIG]
    if not doubts:
        return ()
    detail = (
        f"{answered(doubts)}, which is neither known as success nor as failure. So the test did not decide; PowerMTA's "
        f"reload did. {remedy(doubts)}"
    )
    return (UNKNOWN_ANSWER.diagnostic(detail, host=spec.name, severity=Severity.INFO),)


def kept(spec: HostSpec, doubts: Sequence[Doubt], queue: str) -> Diagnostic:
    """A note on a change that is kept because its settings are in force, despite an unclear answer to the reload."""
    detail = (
        f"{answered(doubts)}, which is neither known as success nor as failure. `pmta show settings {queue}` shows "
        f"that it is in force, so the change is kept. {remedy(doubts)}"
    )
    return UNKNOWN_ANSWER.diagnostic(detail, host=spec.name)


def undecided(doubts: Sequence[Doubt], asked: bool) -> str:
    """The reason why a change is not kept where nothing proves that it is in force."""
    why = (
        "`pmta show settings` of the changed queues does not prove it either"
        if asked
        else "the change affects no queue whose settings would show it"
    )
    return (
        f"whether PowerMTA runs the new configuration is not known: {answered(doubts)}, which is neither known as "
        f"success nor as failure, and {why}"
    )


def old_unknown(spec: HostSpec, doubts: Sequence[Doubt]) -> str:
    """The message where the old files are restored and nothing proves that PowerMTA runs them."""
    return (
        f"The old files are back. Whether PowerMTA runs them is not known: {answered(doubts)}. Compare `pmta show "
        f"settings` on {spec.name} with the files."
    )


def recovered(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A warning where an earlier transaction was undone, and nothing proves that the old files are in force.

    It does not quote the answer, because the secrets that may be in it are not known here.
    """
    doubts = of_old(outcome)
    if not doubts or not outcome.recovered:
        return ()
    commands = " and ".join(dict.fromkeys(f"`{doubt.command.words}`" for doubt in doubts))
    detail = (
        "The files of an earlier transaction were rolled back. Whether PowerMTA runs the old ones is not known: "
        f"{commands} ended with 0, and the answer is neither known as success nor as failure. Run it on the host and "
        "read the answer. Add the answer to `expect:` in the host's settings."
    )
    return (OLD_CONFIGURATION_UNVERIFIED.diagnostic(detail, host=spec.name),)


def in_force_unknown(spec: HostSpec, doubts: Sequence[Doubt]) -> Diagnostic:
    """A note: the files match the stack, and whether PowerMTA runs them is not known."""
    detail = (
        f"The files on {spec.name} match the stack. Whether PowerMTA runs them is not known: {answered(doubts)}, which "
        "is neither known as success nor as failure. Compare `pmta show settings` there with the files. "
        f"{remedy(doubts)}"
    )
    return IN_FORCE_UNKNOWN.diagnostic(detail, host=spec.name)
