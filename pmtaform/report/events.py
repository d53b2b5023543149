"""The output of `apply` and `rollback` with `--format json`: one JSON object a line, the run's result the last.

With a rollback, the first line is what it undoes and the dangers of what comes back.

The tables below both write the lines and make their JSON Schema (`pmtaform schema --of events`), so the two cannot
drift apart. A line's `format` grows when a reader of an earlier one could misread it; new phases do not count as that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pmtaform.codec import COUNT, TEXT, Codec, Schema, optional, record, several, table, word
from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError
from pmtaform.host import Generation
from pmtaform.plan.document import DANGERS, DIAGNOSTIC, LEFT
from pmtaform.plan.model import Danger, HostPlan
from pmtaform.progress import Event, Phase, Verdict
from pmtaform.report.dangers import danger_documents
from pmtaform.report.returns import counts_of, return_text
from pmtaform.report.states import undone_text
from pmtaform.report.views import Screen
from pmtaform.rollout.model import HostResult, RunResult

FORMAT = 1
EVENT = "pmtaform-event"
RUN = "pmtaform-run"
UNDO = "pmtaform-undo"
REFUSAL = "pmtaform-refusal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run did not start."""

    exit_code: int
    problems: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class UndoLine:
    """What a rollback of a host undoes: generations, oldest first, with the changes that this is."""

    host: str
    generations: tuple[Generation, ...]
    summary: dict[str, int]
    dangers: tuple[tuple[str, Danger], ...]


def _only_written(_value: object) -> NoReturn:
    raise NotImplementedError("these lines are written for others, and never read here")


def _listed(inner: Codec[HostResult]) -> Codec[Mapping[str, HostResult]]:
    return Codec(
        lambda hosts: [inner.write(host) for host in hosts.values()],
        _only_written,
        {"type": "array", "items": inner.schema},
    )


_SECONDS: Codec[float] = Codec(lambda seconds: round(seconds, 3), _only_written, {"type": "number", "minimum": 0})
_BOOLEAN: Codec[bool] = Codec(bool, _only_written, {"type": "boolean"})
_EXIT: Codec[int] = Codec(int, _only_written, {"type": "integer", "minimum": 0, "maximum": 255})
_VERDICT = word({verdict.value: verdict for verdict in Verdict})

_EVENT = record(
    Event,
    host=TEXT.says("The host that it is about."),
    phase=word({phase.value: phase for phase in Phase}).says("The step of the work on the host."),
    verdict=optional(_VERDICT).says("The result on the host; null while the work continues."),
    detail=TEXT.says("The current step, or the reason for the result, for people."),
    seconds=_SECONDS.says("Seconds since the inspection or the change started."),
)
_HOST = record(
    HostResult,
    host=TEXT,
    verdict=_VERDICT,
    generation=COUNT.says("What the host keeps the replaced files as; 0: nothing was replaced."),
    problem=optional(DIAGNOSTIC).says("Why, and what to do."),
    output=TEXT.says("What pmta printed."),
    notes=several(DIAGNOSTIC),
    left=several(LEFT).says("What differs from the stack and stays unchanged, and why."),
)
_RUN = record(
    RunResult,
    run=TEXT.says("The run's name in the journal."),
    interrupted=_BOOLEAN,
    exit_code=_EXIT.says("What the command ends with."),
    hosts=_listed(_HOST),
    unsaved=optional(DIAGNOSTIC).says("Why a change is on the hosts but not in the state or the journal."),
)
_GENERATION = record(Generation, number=COUNT, started=TEXT, who=TEXT, what=TEXT, status=TEXT, files=several(TEXT))
_UNDO = record(
    UndoLine,
    host=TEXT,
    generations=several(_GENERATION).says("What is undone, oldest first."),
    summary=table(COUNT).says("How many blocks of the configuration are created, updated and deleted."),
    dangers=Codec(danger_documents, _only_written, DANGERS),
)
_REFUSAL = record(
    Refusal,
    exit_code=_EXIT.says("What the command ends with."),
    problems=several(DIAGNOSTIC).says("Each reason, and what to do."),
)
_LINES: Mapping[str, tuple[Codec[Any], str]] = {
    EVENT: (_EVENT, "One step of one host."),
    UNDO: (_UNDO, "What a rollback undoes: its first line."),
    RUN: (_RUN, "The result of the run: the last line."),
    REFUSAL: (_REFUSAL, "Why the run did not start: the last line in place of the run."),
}


def event_document(event: Event) -> dict[str, Any]:
    """One step of one host, as JSON data."""
    return _document(EVENT, event)


def run_document(result: RunResult) -> dict[str, Any]:
    """What became of a run, as JSON data."""
    return _document(RUN, result)


def event_json(event: Event) -> str:
    """One step of one host, on one line, its end included."""
    return _line(event_document(event))


def undo_json(host: str, generations: Sequence[Generation], plan: HostPlan) -> str:
    """What a rollback undoes, on one line, its end included."""
    undo = UndoLine(host, tuple(generations), counts_of(plan), plan.all_dangers)
    return _line(_document(UNDO, undo))


def run_json(result: RunResult) -> str:
    """What became of a run, on one line, its end included."""
    return _line(run_document(result))


def refusal_json(error: PmtaformError) -> str:
    """Why a run did not start, on one line, its end included."""
    return _line(_document(REFUSAL, Refusal(int(error.exit_code), error.diagnostics)))


def events_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of `pmtaform apply --format json` or `pmtaform rollback --format json`",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in _LINES],
        "$defs": {kind: _schema(kind, codec.schema, what) for kind, (codec, what) in _LINES.items()},
    }


def _document(kind: str, value: object) -> dict[str, Any]:
    codec, _ = _LINES[kind]
    return {"format": FORMAT, "kind": kind, **codec.write(value)}


def _schema(kind: str, body: Schema, description: str) -> Schema:
    head: Schema = {"format": {"const": FORMAT}, "kind": {"const": kind}}
    return {
        "description": description,
        **body,
        "properties": {**head, **body["properties"]},
        "required": [*head, *body["required"]],
    }


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document) + "\n"


@dataclass(frozen=True, slots=True)
class ReturnView:
    """The generations that a rollback undoes, and the plan of what it restores."""

    host: str
    undone: Sequence[Generation]
    plan: HostPlan

    def text(self, screen: Screen) -> str:
        """The generations, then what their undoing changes."""
        return undone_text(self.host, self.undone) + return_text(self.plan, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-undo`, on one line."""
        return undo_json(self.host, self.undone, self.plan)
