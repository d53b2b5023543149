"""The state of a stack: what was applied last, its lock, its key and the journal of runs."""

from pmtaform.state.backend import Backends, EventLog, KeyHistories, RotationStore, StateBackend
from pmtaform.state.document import FileState, HostInputs, HostState, Intent, StateDocument, StateVersion
from pmtaform.state.files import FileBackend
from pmtaform.state.identity import new_run_id, utc_now, who
from pmtaform.state.journal import Journal, JournalEvent, JournalHistory, JournalKind
from pmtaform.state.keeper import StateKeeper
from pmtaform.state.key import HostKeys, Seal, StackKey
from pmtaform.state.lock import HeldLock, LockInfo

__all__ = [
    "Backends",
    "EventLog",
    "FileBackend",
    "FileState",
    "HeldLock",
    "HostInputs",
    "HostKeys",
    "HostState",
    "Intent",
    "Journal",
    "JournalEvent",
    "JournalHistory",
    "JournalKind",
    "KeyHistories",
    "LockInfo",
    "RotationStore",
    "Seal",
    "StackKey",
    "StateBackend",
    "StateDocument",
    "StateKeeper",
    "StateVersion",
    "new_run_id",
    "utc_now",
    "who",
]
