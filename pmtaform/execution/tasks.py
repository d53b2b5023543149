"""A task, which is one host's work, and the report that answers it. Both are documents of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from pmtaform.api.drifting import DriftReport
from pmtaform.api.fleet import HostRow
from pmtaform.codec import DecodeError, load_json
from pmtaform.diagnostics import Diagnostic
from pmtaform.execution.documents import from_document, to_document
from pmtaform.plan.model import HostPlan
from pmtaform.rollout.model import HostResult
from pmtaform.state import HostState, Intent

T = TypeVar("T")


class Work(StrEnum):
    """The work on a host. `LOOK` and `REHEARSE` may happen twice; `CHANGE` is answered the second time."""

    LOOK = "look"
    REHEARSE = "rehearse"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was approved: the host's plan. The worker makes it again, and changes nothing if it is another."""

    plan: HostPlan
    serial: int
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNames:
    """The run that a change belongs to. `id` is a part of the transaction's name."""

    id: str
    who: str
    what: str
    plan: str
    commit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTask:
    """One host's work.

    `version` is the build of pmtaform that made it, `digest` that of the stack's files. `key` has the keys that are
    derived from the stack's key for this host, in hex. `intent` is what an earlier run left, `own_intent` that of the
    run. `as_of` is ISO 8601. `wants_diff`: the report has the text diff.
    """

    version: str
    work: Work
    stack: str
    digest: str
    host: str
    key: Mapping[str, str] = field(repr=False)
    key_id: str
    lineage: str
    serial: int
    state: HostState | None = None
    intent: Intent | None = None
    own_intent: Intent | None = None
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    as_of: str | None = None
    is_validated: bool = True
    wants_diff: bool = False
    run: RunNames | None = None
    shown: Shown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedError:
    """An error that a worker raised, by the name of its class."""

    name: str
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What a worker answers. `by` names the worker; `refused` is its version, if that is not the task's.

    `failure` is why the host could not be looked at, `bug` where pmtaform failed. `machine` is the host's machine id,
    `owned` and `owned_keys` what is ours once the plan is applied. `state` is the state to record, None: none.
    """

    by: str
    refused: str = ""
    error: ReportedError | None = None
    bug: str = ""
    failure: Diagnostic | None = None
    plan: HostPlan | None = None
    notes: tuple[Diagnostic, ...] = ()
    machine: str = ""
    owned: Mapping[str, str] = field(default_factory=dict)
    owned_keys: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[str, ...] = ()
    restarts: bool = False
    drift: DriftReport | None = None
    row: HostRow | None = None
    diff: tuple[str, ...] = ()
    result: HostResult | None = None
    state: HostState | None = None


def write(value: HostTask | TaskReport) -> str:
    """The document of a task or report, in one line."""
    return json.dumps(to_document(value), separators=(",", ":"))


def read(kind: type[T], text: str) -> T:
    """The task or report in `text`. Raises `DecodeError`."""
    try:
        return from_document(kind, load_json(text))
    except (ValueError, RecursionError) as wrong:
        raise DecodeError(f"it is no document: {wrong}") from None
