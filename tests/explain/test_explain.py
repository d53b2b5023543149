"""What is known of directives and sections, and that nothing of the catalogue is kept back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.explain import explain, mistakes, search, unknown
from pmtaform.lang.explain.kinds import kinds
from pmtaform.report.explain import explanation_text, hits_text, json_explanation

KNOWN = catalogue()


def facts(name: str, number: int = 0, scope: str | None = None) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for fact in explain(name, scope).meanings[number].facts:
        by_name.setdefault(fact.label, []).append(fact.text)
    return by_name


@pytest.mark.parametrize("spec", KNOWN.directives, ids=lambda spec: f"{spec.name}@{spec.scopes[0]}")
def test_every_directive_is_explained_with_type_default_scope_and_sources(spec):
    explanation = explain(spec.name, spec.scopes[0])
    meaning = next(m for m in explanation.meanings if m.scopes == spec.scopes and m.summary == spec.summary)
    told = {fact.label: fact.text for fact in meaning.facts}
    assert told["takes"]
    assert told["default"] == (spec.default or "none is documented")
    assert all(("top level" if scope == "global" else f"<{scope}>") in told["stands"] for scope in spec.scopes)
    assert all(word in told["takes"] for word in spec.enum)
    assert meaning.sources == spec.sources
    assert ("the guide does not state it" in told["takes effect by"]) is not spec.impact_confirmed
    assert next(f.basis for f in meaning.facts if f.label == "takes effect by") == spec.impact_basis
    text = explanation_text(explanation)
    assert spec.name in text
    assert "None" not in text.replace("None ", "")
    assert json.loads(json_explanation(explanation))["name"] == spec.name


@pytest.mark.parametrize("tag", KNOWN.sections)
def test_every_section_is_explained(tag):
    explanation = explain(f"<{tag}>")
    meaning = explanation.meanings[-1]
    spec = KNOWN.section(tag)
    assert meaning.directives == KNOWN.names(tag)
    assert [f.text for f in meaning.facts if f.label == "precedence"] == list(spec.precedence)
    text = explanation_text(explanation)
    assert f"<{tag}>" in text
    assert all(word in text for rule in spec.precedence for word in rule.split())


def test_every_type_of_the_catalogue_has_words():
    alone = {spec.type for spec in KNOWN.directives if "|" not in spec.type and "+" not in spec.type}
    assert alone <= kinds().keys()


def test_a_name_with_several_meanings():
    explanation = explain("max-smtp-out")
    assert [m.scopes for m in explanation.meanings] == [("domain",), ("virtual-mta", "virtual-mta-pool")]
    assert "has 2 meanings" in explanation_text(explanation)
    assert [m.scopes for m in explain("max-smtp-out", "virtual-mta").meanings] == [("virtual-mta", "virtual-mta-pool")]


@pytest.mark.parametrize("scope", ["global", "top", "<global>", "GLOBAL"])
def test_scopes_have_several_names(scope):
    assert explain("postmaster", scope).meanings[0].scopes == ("global",)


def test_a_directive_and_a_section_of_one_name():
    both = explain("smtp-pattern-list")
    assert [m.title.startswith("<") for m in both.meanings] == [False, True]
    assert [m.title.startswith("<") for m in explain("<smtp-pattern-list>").meanings] == [True]
    assert explain("<domain *>").name == "<domain>"


@pytest.mark.parametrize(
    ("name", "other", "why"),
    [
        ("max-msg-rate", "backoff-max-msg-rate", "back-off"),
        ("backoff-max-msg-rate", "max-msg-rate", "instead of"),
        ("max-msg-rate", "source-ip-max-msg-rate", "each local address"),
        ("dkim-sign", "second-dkim-sign", "second signature"),
        ("dkim-sign", "dkim-identity", "begins with dkim-"),
        ("max-rcpt-per-transaction", "max-rcpt-per-message", "another name"),
        ("route", "smtp-hosts", "replaces it"),
        ("smtp-hosts", "route", "replaced by"),
        ("default-virtual-mta", "<virtual-mta>", "section that it names"),
        ("<virtual-mta>", "default-virtual-mta", "names a"),
        ("<virtual-mta>", "<domain>", "may be in it"),
        ("max-cold-virtual-mta-msg", "cold-virtual-mta", "mentioned"),
    ],
)
def test_what_belongs_together(name, other, why):
    related = {each.name: each.why for each in explain(name).related}
    assert why in related[other]


def test_facts_of_note():
    assert facts("max-rcpt-per-transaction")["alias of"] == ["max-rcpt-per-message"]
    assert facts("max-rcpt-per-message", scope="domain")["also spelt"] == ["max-rcpt-per-transaction"]
    assert facts("bcc-upon-delivery")["emptied"]
    assert facts("route")["status"] == ["deprecated; use smtp-hosts"]
    assert "order means something" in facts("http-access")["repeated"][0]
    assert facts("auth-password")["secret"]
    assert "a full restart" in facts("run-as-root")["takes effect by"][0]
    assert "of pmtahttp" in facts("http-mgmt-port")["takes effect by"][0]
    assert "each line is a separate entry" in facts("domain-macro")["repeated"][0]


@pytest.mark.parametrize(
    ("name", "scope", "code", "words"),
    [
        ("max-smtp-uot", None, "unknown-name", 'Did you mean "max-smtp-out"?'),
        ("max-smtp-out", "source", "not-in-scope", "in <domain>"),
        ("nothing-like-it", None, "unknown-name", 'Neither 5.0 guide has "nothing-like-it"'),
        ("", None, "unknown-name", 'Neither 5.0 guide has ""'),
    ],
)
def test_what_is_not_there(name, scope, code, words):
    assert explain(name, scope) is None
    result = unknown(name, scope)
    assert result.code == code
    assert words in result.detail


def test_known_inventions_are_reported(monkeypatch):
    table = (
        mistakes.Mistake("rate-limit", "The rate is `max-msg-rate N/h`."),
        mistakes.Mistake("<limits>", "Use `max-smtp-out`."),
    )
    monkeypatch.setattr(mistakes, "_table", lambda: table)
    assert "`max-msg-rate N/h`" in unknown("rate-limit").detail
    assert "although tutorials use it" in unknown("<limits>").detail
    assert [m.name for m in explain("max-msg-rate").mistakes] == ["rate-limit"]
    assert "PowerMTA has no rate-limit, although" in explanation_text(explain("max-msg-rate"))


def test_without_a_table_of_inventions_there_are_none(monkeypatch):
    monkeypatch.setattr(mistakes, "_table", lambda: ())
    assert explain("max-msg-rate").mistakes == ()
    assert unknown("rate-limit").code == "unknown-name"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("max-smtp-out", "max-smtp-out"),
        ("dkim sign", "dkim-sign"),
        ("backoff retry", "backoff-retry-after"),
        ("simultaneous connections queue", "max-smtp-out"),
        ("rollup", "<mx-rollup-list>"),
    ],
)
def test_search_ranks_names_first(words, first):
    names = [hit.name for hit in search(words)]
    assert first in names[:3]


def test_search_finds_nothing_for_nothing():
    assert search("") == []
    assert search("xyzzy-plugh") == []
    assert "The catalogue has no match" in hits_text([], "xyzzy")


@settings(deadline=None)
@given(st.text(max_size=30), st.none() | st.text(max_size=10))
def test_nothing_makes_it_fail(name, scope):
    explanation = explain(name, scope)
    if explanation is None:
        assert unknown(name, scope).detail
    else:
        assert explanation_text(explanation)
    search(name)
