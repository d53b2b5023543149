"""Plans and runs for the tests of reports, and strategies that make any."""

from __future__ import annotations

from hypothesis import strategies as st

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.diagnostics.codes.connections import CONNECT_TIMEOUT
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.model import Action, Change, Danger, HostPlan, Left, LeftBy, Plan, Reason, ValueChange

STACK_FILE = "stacks/demo/config.yaml"


def place(line: int, column: int = 7) -> Place:
    return Place(STACK_FILE, line, column)


def plan(*hosts: HostPlan, **more: object) -> Plan:
    fields: dict[str, object] = {
        "id": "0123456789abcdef",
        "stack": "demo",
        "stack_digest": "5" * 64,
        "lineage": "3f0c5a52-8a0e-4a8e-9d5b-0f5a3f0c5a52",
        "serial": 3,
        "created": "2026-01-31T12:00:00Z",
        "tool_version": "0.1.0",
        "hosts": hosts,
    }
    return Plan(**{**fields, **more})  # type: ignore[arg-type]


def host(name: str, *changes: Change, **more: object) -> HostPlan:
    return HostPlan(host=name, changes=changes, **more)  # type: ignore[arg-type]


def rate(before: str = "300/h", after: str = "500/h", **more: object) -> Change:
    fields: dict[str, object] = {
        "address": "domain[gmail.com]",
        "action": Action.UPDATE,
        "reason": Reason.CHANGED,
        "values": (ValueChange((), "max-msg-rate", (before,), (after,), place(12)),),
        "file": "/etc/pmta/config",
        "place": place(12),
    }
    return Change(**{**fields, **more})  # type: ignore[arg-type]


def unreachable(name: str) -> Diagnostic:
    return CONNECT_TIMEOUT.diagnostic("Nothing answered at 192.0.2.12:22 within 10 s.", host=name)


# -- strategies --------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=()).filter(lambda c: not "\ud800" <= c <= "\udbff"), max_size=12)
counts = st.integers(0, 10**6)
places = st.builds(Place, texts, st.none() | counts, st.none() | counts)
some_texts = st.lists(texts, max_size=3).map(tuple)
diagnostics = st.builds(
    Diagnostic,
    code=texts,
    summary=texts,
    detail=texts,
    severity=st.sampled_from(Severity),
    place=st.none() | places,
    host=st.none() | texts,
    address=st.none() | texts,
    related=st.lists(places, max_size=2).map(tuple),
)
dangers = st.lists(st.builds(Danger, texts, texts), max_size=2).map(tuple)
values = st.builds(ValueChange, some_texts, texts, some_texts, some_texts, st.none() | places)
changes = st.builds(
    Change,
    address=texts,
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    values=st.lists(values, max_size=3).map(tuple),
    impact=st.sampled_from(Impact),
    impact_note=texts,
    file=texts,
    place=st.none() | places,
    dangers=dangers,
)
tables = st.dictionaries(texts, texts, max_size=3)
lefts = st.lists(st.builds(Left, texts, st.sampled_from(Action), st.sampled_from(LeftBy)), max_size=2).map(tuple)
host_plans = st.builds(
    HostPlan,
    host=texts,
    changes=st.lists(changes, max_size=2).map(tuple),
    adopted=some_texts,
    forgotten=some_texts,
    unmanaged=counts,
    dangers=dangers,
    notes=st.lists(diagnostics, max_size=1).map(tuple),
    left=lefts,
    frozen=st.booleans(),
    basis=tables,
    result=tables,
    version=st.none() | texts,
)
plans = st.builds(
    Plan,
    id=texts,
    stack=texts,
    stack_digest=texts,
    lineage=texts,
    serial=counts,
    created=texts,
    tool_version=texts,
    key_id=texts,
    notes=st.lists(diagnostics, max_size=1).map(tuple),
    selection=st.dictionaries(texts, some_texts, max_size=2),
    hosts=st.lists(host_plans, max_size=3).map(tuple),
    failures=st.dictionaries(texts, diagnostics, max_size=2),
)
