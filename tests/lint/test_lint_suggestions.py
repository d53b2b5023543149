"""What `lint` and `explain` suggest for a word that PowerMTA does not know: the same, and right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_help import findings_of

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.explain import explain, unknown
from pmtaform.lang.inventions import inventions
from pmtaform.lang.suggest import remedy, section_remedy, suggestion
from pmtaform.report.lint_text import lint_text

NAMES = sorted(catalogue().all_names - {"*", "/REGEX/"})
WORDS = [name[:-1] for name in NAMES if len(name) > 6] + [name.replace("-", "_") for name in NAMES if "-" in name]


@pytest.mark.parametrize("name", sorted(inventions().directives))
def test_lint_and_explain_say_the_same_of_an_invention(name):
    expected = inventions().directives[name].remedy
    (finding,) = [f for f in findings_of(f"{name} x\n") if f.rule.code == "invented-directive"]
    assert expected in finding.detail
    assert explain(name) is not None or expected in unknown(name).detail


@given(st.sampled_from(WORDS), st.sampled_from(["global", "domain", "source", "virtual-mta", "spool"]))
@settings(deadline=None)
def test_lint_and_explain_say_the_same_of_a_slip(word, scope):
    if explain(word) is not None or inventions().directive(word):
        return
    text = f"{word}\n" if scope == "global" else f"<{scope} x>\n{word}\n</{scope}>\n"
    expected = remedy(word, scope) or section_remedy(word)
    details = [f.detail for f in findings_of(text) if f.rule.code == "unknown-directive"]
    assert all(remedy(word, scope) in detail for detail in details)
    assert expected in unknown(word, scope).detail


@given(st.sampled_from(WORDS), st.sampled_from([None, "global", "domain", "source"]), st.sampled_from(["", "yes", "5"]))
@settings(deadline=None)
def test_what_is_suggested_is_current_and_stated_where_it_belongs(word, scope, value):
    made = suggestion(word, scope, value)
    if made is None:
        return
    specs = catalogue().anywhere(made.name)
    assert any(spec.status == "current" for spec in specs)
    where = {each for spec in specs for each in spec.scopes}
    assert set(made.scopes) <= where
    assert made.scopes or scope is None or scope in where


@pytest.mark.parametrize("form", ["http-access {}", "http-access {} admin", 'http-access "{}" monitor'])
def test_a_key_in_http_access_is_never_shown(form):
    key = "3f9c1c0a77e24b51b0c2d4e6f8a1b3c5"
    line = form.format(key)
    text = lint_text(findings_of(line + "\n"), source=lambda _: line)
    assert "http-api-key" in text
    assert key not in text
