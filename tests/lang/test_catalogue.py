"""The tables: complete, consistent, and refused when they are not."""

import dataclasses
import re
from collections import Counter

import pytest

from pmtaform.lang.catalogue import Catalogue, DirectiveSpec, Impact, catalogue

PER_SCOPE = {
    "acct-file": 25, "address-list": 3, "aliases": 1, "bounce-category-patterns": 1, "bounce-processor": 5, "dns": 3,
    "domain": 140, "domain-key-list": 1, "email-patterns": 2, "feedback-loop-processor": 5, "global": 104,
    "mx-rollup-list": 1, "pattern-list": 4, "proxy": 3, "rewrite-list": 2, "signals": 9, "signals-filter": 1,
    "smtp-listener": 13, "smtp-pattern-list": 2, "smtp-user": 4, "source": 75, "source-group": 2, "spool": 4,
    "transmissions-api": 4, "transmissions-api-listener": 11, "vault": 3, "virtual-mta": 16, "virtual-mta-pool": 9,
}  # fmt: skip


def test_every_directive_is_there() -> None:
    assert len(catalogue().directives) == 414
    assert Counter(scope for spec in catalogue().directives for scope in spec.scopes) == PER_SCOPE
    assert {scope: len(catalogue().names(scope)) for scope in PER_SCOPE} == PER_SCOPE
    assert catalogue().names("no-such-section") == ()


def test_every_section_is_there() -> None:
    assert set(catalogue().sections) == set(PER_SCOPE) - {"global"} | {
        "sparkpost-analytics",
        "gm-imprinter",
        "suppression-list",
    }


def test_every_directive_is_found_under_its_name_in_any_case() -> None:
    for spec in catalogue().directives:
        if spec.name == "/REGEX/":
            continue
        for scope in spec.scopes:
            assert catalogue().directive(scope, spec.name) is spec
            assert catalogue().directive(scope, spec.name.upper()) is spec
        assert spec in catalogue().anywhere(spec.name)
    assert catalogue().directive("global", "dkim-sign") is None
    assert catalogue().directive("domain", "dkim-selector") is None


def test_one_name_may_mean_several_things() -> None:
    queue, total = catalogue().directive("domain", "max-smtp-out"), catalogue().directive("virtual-mta", "max-smtp-out")
    assert queue is not None
    assert total is not None
    assert queue is not total


def test_aliases() -> None:
    aliased = {(s.scopes, s.name): s.canonical for s in catalogue().directives if s.canonical}
    assert aliased == {(("domain",), "max-rcpt-per-transaction"): "max-rcpt-per-message"}
    assert catalogue().canonical("domain", "Max-Rcpt-Per-Transaction") == "max-rcpt-per-message"
    assert catalogue().canonical("domain", "Max-Smtp-Out") == "max-smtp-out"
    assert catalogue().canonical("domain", "No-Such-Thing") == "no-such-thing"
    for spec in catalogue().directives:
        for alias in spec.aliases:
            known = catalogue().directive(spec.scopes[0], alias)
            assert known is None or known.canonical == spec.name or spec.canonical == known.name


def test_what_is_secret() -> None:
    assert {(s.scopes[0], s.name): s.sensitive for s in catalogue().directives if s.sensitive} == {
        ("global", "smtp-server-tls-certificate"): "second",
        ("global", "volume-audit-api-key"): "value",
        ("global", "http-api-key"): "value",
        ("smtp-user", "password"): "value",
        ("domain", "auth-username"): "value",
        ("domain", "auth-password"): "value",
        ("domain", "smtp-client-certificate"): "second",
        ("acct-file", "privacy-policy"): "second",
        ("smtp-listener", "tls-certificate"): "second",
        ("transmissions-api", "api-key"): "value",
        ("signals", "api-key"): "value",
        ("vault", "access-token"): "value",
    }


def test_the_tables_keep_to_their_own_words() -> None:
    for spec in catalogue().directives:
        assert spec.repeat in {"single", "once", "accumulates"}
        assert spec.key in {None, "name", "whole"}
        assert spec.scopes
        assert spec.summary
        assert spec.sources
        assert spec.confidence in {"guide", "unclear", "observed", "memory"}
        assert isinstance(spec.impact, Impact)
        assert spec.accumulates == (spec.repeat == "accumulates")
        if "enum" in spec.types and spec.confidence == "guide":
            assert spec.enum
    assert str(max(Impact)) == "restart"


# The chapters of the guides, and what they describe. A directive is described where its scope is.
CHAPTERS = {
    "3.3.1": {"global"},
    "3.3.2": {"spool"},
    "3.3.3": {"bounce-processor"},
    "3.3.4": {"feedback-loop-processor"},
    "3.3.5": {"address-list"},
    "3.3.6": {"email-patterns"},
    "3.3.7": {"source"},
    "3.3.8": {"smtp-user"},
    "3.3.9": {"source-group"},
    "3.3.10": {"domain"},
    "3.3.11": {"acct-file"},
    "3.3.12": {"virtual-mta"},
    "3.3.13": {"virtual-mta-pool"},
    "3.3.14": {"pattern-list"},
    "3.3.15": {"smtp-pattern-list"},
    "3.3.16": {"dns"},
    "3.3.17": {"smtp-listener"},
    "3.3.18": {"rewrite-list"},
    "3.3.20": {"transmissions-api"},
    "3.3.22": {"proxy"},
    "3.3.23": {"vault"},
    "10.1.4.2": {"signals"},
}
# The guide describes it among the global directives and shows it in sources (3.3.1.32.1).
ELSEWHERE = {("always-allow-relaying", ("source",))}


@pytest.mark.parametrize("spec", catalogue().directives, ids=lambda spec: f"{spec.name} in {spec.scopes[0]}")
def test_a_citation_is_of_the_directive_and_not_of_one_with_the_same_name(spec: DirectiveSpec) -> None:
    for source in spec.sources:
        for section in re.findall(r"\bsections? (\d+(?:\.\d+)+)", source):
            chapter = next((c for c in sorted(CHAPTERS, key=len, reverse=True) if section.startswith(f"{c}.")), None)
            if chapter is not None and (spec.name, spec.scopes) not in ELSEWHERE:
                assert CHAPTERS[chapter] & set(spec.scopes), f"{spec.name}: {source}"


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("domain", "mx-connection-attempts"),
        ("domain", "smtp-multiple-line-response-timeout"),
        ("virtual-mta", "max-smtp-out"),
        ("virtual-mta-pool", "max-smtp-out"),
    ],
)
def test_a_sample_of_show_settings_proves_no_default(scope: str, name: str) -> None:
    spec = catalogue().directive(scope, name)
    assert spec is not None
    assert spec.default is None
    assert "proves no default" in (spec.notes or "")


def test_no_default_cites_a_sample() -> None:
    for spec in catalogue().directives:
        assert "show settings" not in (spec.default or "")
        if spec.default is not None:
            assert not all("sample" in source for source in spec.sources)


def test_rule_lines_are_found_under_their_form() -> None:
    rule = catalogue().directive("bounce-category-patterns", "/mailbox full/")
    assert rule is not None
    assert rule.name == "/REGEX/"
    assert catalogue().canonical("bounce-category-patterns", "/Mailbox Full/") == "/Mailbox Full/"


def test_where_sections_may_stand() -> None:
    assert catalogue().may_stand_in("domain", None)
    assert catalogue().may_stand_in("domain", "virtual-mta")
    assert not catalogue().may_stand_in("virtual-mta", "domain")
    assert catalogue().may_stand_in("no-such-section", "domain")
    assert catalogue().section("DOMAIN") is catalogue().section("domain")
    assert catalogue().section("bind") is None


def _some() -> DirectiveSpec:
    known = catalogue().directive("domain", "max-smtp-out")
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("damage", "result"),
    [
        ({"name": "x", "scopes": ("nowhere",)}, "unknown scopes"),
        ({}, "in scope domain twice"),
        ({"name": "x", "canonical": "not-there"}, "is an alias of not-there"),
    ],
)
def test_a_damaged_table_of_directives_is_refused(damage: dict[str, object], result: str) -> None:
    bad = dataclasses.replace(_some(), **damage)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=result):
        Catalogue([*catalogue().directives, bad], catalogue().sections.values())


@pytest.mark.parametrize("field", ["parents", "children"])
def test_a_damaged_table_of_sections_is_refused(field: str) -> None:
    sections = dict(catalogue().sections)
    sections["domain"] = dataclasses.replace(sections["domain"], **{field: ("nowhere",)})
    with pytest.raises(ValueError, match="unknown sections"):
        Catalogue(catalogue().directives, sections.values())
