"""One live host: how to reach it, what it has, and changes made as one.

Importing this package imports no SSH library; `HostSpec.open` of a host over SSH does.
"""

from __future__ import annotations

from pmtaform.host.examine import examine
from pmtaform.host.generations import (
    Rollback,
    WayBack,
    generations,
    records,
    release,
    rollback,
    way_back,
    way_back_from,
)
from pmtaform.host.left import LastLeft, LeftFile, LeftRecord, kept_copies, last_left
from pmtaform.host.model import (
    ABSENT,
    CONFIG,
    Activation,
    Answer,
    Awaiting,
    Doubt,
    FileKind,
    FileRemoval,
    FileWrite,
    Generation,
    HostLock,
    HostSpec,
    Known,
    ListenerAddress,
    LiveFile,
    Outcome,
    Past,
    Question,
    Record,
    Snapshot,
    Status,
    Transaction,
    Waiting,
    digest,
)
from pmtaform.host.probe import HASH_ONLY, probe
from pmtaform.host.transaction import apply, commit, confirm, decide_pending, reconnect, recover, result, revert, stage
from pmtaform.host.transport import Output, Session
from pmtaform.host.wire import steps

__all__ = [
    "ABSENT",
    "CONFIG",
    "HASH_ONLY",
    "Activation",
    "Answer",
    "Awaiting",
    "Doubt",
    "FileKind",
    "FileRemoval",
    "FileWrite",
    "Generation",
    "HostLock",
    "HostSpec",
    "Known",
    "LastLeft",
    "LeftFile",
    "LeftRecord",
    "ListenerAddress",
    "LiveFile",
    "Outcome",
    "Output",
    "Past",
    "Question",
    "Record",
    "Rollback",
    "Session",
    "Snapshot",
    "Status",
    "Transaction",
    "Waiting",
    "WayBack",
    "apply",
    "commit",
    "confirm",
    "decide_pending",
    "digest",
    "examine",
    "generations",
    "kept_copies",
    "last_left",
    "probe",
    "reconnect",
    "records",
    "recover",
    "release",
    "result",
    "revert",
    "rollback",
    "stage",
    "steps",
    "way_back",
    "way_back_from",
]
