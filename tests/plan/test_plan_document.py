"""The plan document: a round trip, and every kind of damage reported as damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.diagnostics import Diagnostic, Exit, Place, Severity
from pmtaform.errors import StateDamaged
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.document import dumps, load_saved, loads, to_document
from pmtaform.plan.model import Action, Change, Danger, HostPlan, Left, LeftBy, Plan, Reason, ValueChange

# Lone high surrogates cannot come from a file: bytes that are not UTF-8 become low ones.
texts = st.text(st.characters(exclude_categories=()).filter(lambda c: not "\ud800" <= c <= "\udbff"), max_size=8)
counts = st.integers(0, 10**6)
places = st.builds(Place, texts, st.none() | counts, st.none() | counts)
some_texts = st.lists(texts, max_size=3).map(tuple)
tables = st.dictionaries(texts, texts, max_size=3)
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
    values=st.lists(values, max_size=2).map(tuple),
    impact=st.sampled_from(Impact),
    impact_note=texts,
    file=texts,
    place=st.none() | places,
    dangers=dangers,
)
lefts = st.lists(st.builds(Left, texts, st.sampled_from(Action), st.sampled_from(LeftBy)), max_size=2).map(tuple)
hosts = st.builds(
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
    hosts=st.lists(hosts, max_size=2).map(tuple),
    failures=st.dictionaries(texts, diagnostics, max_size=2),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def sample() -> Plan:
    change = Change(
        address="domain[gmail.com]",
        action=Action.UPDATE,
        reason=Reason.DRIFT,
        values=(ValueChange((), "max-msg-rate", ("300/h",), ("500/h",), Place("a.yaml", 3, 5)),),
        impact=Impact.RESTART,
        file="/etc/pmta/config",
        dangers=(Danger("rate-raised", "It is raised."),),
    )
    return Plan(
        id="p",
        stack="demo",
        stack_digest="d",
        lineage="l",
        serial=3,
        created="2026-01-31T12:00:00Z",
        tool_version="0.1.0",
        hosts=(HostPlan(host="mta1", changes=(change,), basis={"/b": "2", "/a": "1"}),),
        failures={"mta2": Diagnostic(code="connect-timeout", summary="no answer")},
    )


def damage(text: str | bytes) -> Diagnostic:
    with pytest.raises(StateDamaged) as caught:
        loads(text, "my.plan")
    (diagnostic,) = caught.value.diagnostics
    assert caught.value.exit_code is Exit.ERROR
    assert diagnostic.place is not None
    assert diagnostic.place.file == "my.plan"
    assert "pmtaform plan --out" in diagnostic.detail
    return diagnostic


@given(plans)
def test_what_is_written_is_read_back(plan: Plan) -> None:
    text = dumps(plan)
    assert loads(text) == plan
    assert loads(text.encode("ascii")) == plan
    assert dumps(loads(text)) == text


def test_words_stand_for_actions_impacts_and_reasons() -> None:
    document = to_document(sample())
    assert list(document)[:4] == ["format", "kind", "checksum", "seal"]
    change = document["hosts"][0]["changes"][0]
    assert (change["action"], change["impact"], change["reason"]) == ("update", "restart", "drift")
    assert change["values"][0]["place"] == {"file": "a.yaml", "line": 3, "column": 5}
    assert list(document["hosts"][0]["basis"]) == ["/a", "/b"]


def test_what_a_printed_document_says_besides_the_plan_is_no_damage() -> None:
    document = {"verdict": "Plan: …", "summary": {"create": 1}, **to_document(sample())}
    assert loads(json.dumps(document)) == sample()


@given(st.text(max_size=40) | st.binary(max_size=40) | json_values.map(json.dumps))
def test_any_other_input_is_damage(text: str | bytes) -> None:
    assert damage(text).code == "plan-damaged"


@given(plans, st.data())
def test_a_plan_with_one_entry_replaced_is_damage_or_the_same(plan: Plan, data: st.DataObject) -> None:
    document = to_document(plan)
    name = data.draw(st.sampled_from(sorted(document)))
    before = document[name]
    document[name] = data.draw(json_values)
    text = json.dumps(document)
    if document[name] == before and type(document[name]) is type(before):
        return
    with pytest.raises(StateDamaged):
        loads(text)


def seal(content: bytes) -> str:
    return hashlib.sha256(b"key" + content).hexdigest()


@given(plans, st.data())
def test_the_seal_covers_every_entry_of_a_document(plan: Plan, data: st.DataObject) -> None:
    document = to_document(plan, seal, {"verdict": "Plan: …", "summary": {"create": 1}})
    assert load_saved(json.dumps(document)).is_sealed_by(seal)
    name = data.draw(st.sampled_from(["seal", "verdict", "summary", "created", "tool_version", "key_id", "stack"]))
    others: dict[str, object] = {"summary": {"create": 2}, "seal": seal(b"another plan")}
    other = others.get(name, f"{document[name]}.")
    broken = {**document, name: other}
    if name not in ("seal", "verdict", "summary"):  # the checksum of what was changed needs no key
        broken["checksum"] = to_document(replace(plan, **{name: other}))["checksum"]
    assert not load_saved(json.dumps(broken)).is_sealed_by(seal)


@given(st.data())
def test_a_sealed_plan_with_one_byte_replaced_is_refused_or_says_the_same(data: st.DataObject) -> None:
    text = dumps(sample(), seal)
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.characters(max_codepoint=126)) + text[at + 1 :]
    with suppress(StateDamaged):
        saved = load_saved(broken)
        assert not saved.is_sealed_by(seal) or json.loads(broken) == json.loads(text)


def test_what_no_one_sealed_is_sealed_by_no_one() -> None:
    assert not load_saved(dumps(sample())).is_sealed_by(seal)


def test_an_earlier_format_asks_for_a_new_plan() -> None:
    damaged = damage(_edited(lambda d: d.update(format=1)))
    assert (damaged.code, "format 1" in damaged.detail) == ("plan-too-old", True)


@given(st.data())
def test_a_plan_with_one_character_replaced_is_damage_or_the_same(data: st.DataObject) -> None:
    text = dumps(sample())
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.characters(max_codepoint=255)) + text[at + 1 :]
    with suppress(StateDamaged):
        assert loads(broken) == sample()


def _edited(edit: Callable[[dict[str, Any]], object]) -> str:
    document = to_document(sample())
    edit(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda d: d.pop("hosts"), '"hosts" is missing'),
        (lambda d: d.pop("checksum"), '"checksum" is missing'),
        (lambda d: d.pop("seal"), '"seal" is missing'),
        (lambda d: d.update(seal=None), "seal: must be a text"),
        (lambda d: d["hosts"][0].update(frozen=0), "hosts[0].frozen: must be true or false"),
        (lambda d: d["hosts"][0].update(left=[{"address": "a", "action": "update", "by": "x"}]), "hosts[0].left[0].by"),
        (lambda d: d.update(extra=1), "extra: unknown entry"),
        (lambda d: d.update(serial=True), "serial: must be a whole number"),
        (lambda d: d.update(serial=-1), "serial: must be a whole number"),
        (lambda d: d.update(format="1"), "format: there is no such format"),
        (lambda d: d.update(format=0), "format: there is no such format"),
        (lambda d: d.update(stack="other"), "its checksum does not match"),
        (lambda d: d.update(verdict=1), "verdict: must be a text"),
        (
            lambda d: d["hosts"][0]["changes"][0].update(action="~"),
            "hosts[0].changes[0].action: must be one of create,",
        ),
        (lambda d: d["hosts"][0]["changes"][0].update(action=[]), "hosts[0].changes[0].action: must be one of create,"),
        (lambda d: d["hosts"][0].update(basis=[]), "hosts[0].basis: must be an object in braces"),
        (lambda d: d["hosts"][0]["basis"].update({"/a": 1}), 'hosts[0].basis["/a"]: must be a text'),
        (lambda d: d.update(hosts={}), "hosts: must be a list"),
    ],
)
def test_damage_says_what_and_where(edit: Callable[[dict[str, Any]], object], says: str) -> None:
    damaged = damage(_edited(edit))
    assert damaged.code == "plan-damaged"
    assert says.lower() in damaged.detail.lower()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "It is empty"),
        ("\0\0\0", "It is empty"),
        ("[" * 100_000, "nesting is too large"),
        ('{"serial": ' + "9" * 5000 + "}", "number"),
        ('{"a": 1, "a": 2}', "appears twice"),
        ('{"a": NaN}', "NaN"),
        ("[]", "not a plan"),
        ('{"kind": "pmtaform-run"}', "not a plan"),
        (b"\xff\xfe", "UTF-8"),
        (dumps(sample())[:-40], "not JSON"),
    ],
)
def test_what_is_no_plan_is_damage(text: str | bytes, says: str) -> None:
    assert says in damage(text).detail


def test_a_cut_file_is_reported_with_its_line() -> None:
    damaged = damage(dumps(sample())[:200])
    assert damaged.place is not None
    assert damaged.place.line is not None


def test_a_later_format_asks_for_a_later_pmtaform() -> None:
    damaged = damage(_edited(lambda d: d.update(format=4, news=[])))
    assert damaged.code == "plan-too-new"
    assert "format 4" in damaged.detail


def test_a_plan_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "my.plan"
    file.write_text(dumps(sample()), encoding="utf-8")
    assert file.read_text(encoding="utf-8").endswith("}\n")
    assert loads(file.read_bytes(), str(file)) == sample()
