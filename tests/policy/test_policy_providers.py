"""Providers by name, by domain and by MX; and two versions of the data compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy_texts import two_versions

from pmtaform.api.providers import compare_providers, provider_named
from pmtaform.diagnostics import Exit
from pmtaform.errors import UsageError
from pmtaform.report.providers import ProviderChangeTable
from pmtaform.report.views import Screen


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("gmail", "gmail"),
        ("GMail", "gmail"),
        (" gmail ", "gmail"),
        ("gmail@2026.11", "gmail"),
        ("googlemail.com", "gmail"),
        ("Hotmail.CO.UK.", "outlook"),
        ("alt1.gmail-smtp-in.l.google.com", "gmail"),
        ("alt1.aspmx.l.google.com.", "google-workspace"),
        ("aspmx.l.google.com", "google-workspace"),
        ("example-com.mail.protection.outlook.com", "microsoft365"),
        ("outlook-com.olc.protection.outlook.com", "outlook"),
        ("mx-att.mail.am0.yahoodns.net", "yahoo"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("*.yahoodns.net", "yahoo"),
        ("yahoo.co.jp", "yahoo-jp"),
    ],
)
def test_a_provider_has_several_names(name: str, provider: str) -> None:
    assert provider_named(name).id == provider


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gmial", 'Did you mean "gmail"'),
        ("yaho.com", 'Did you mean "yahoo.com"'),
        ("example.com", "give the name of its MX"),
        ("?", "The ids are: gmail, "),
        ("gmail@2025.1", "There are: 2026.11."),
        ("gmail@", "There are: 2026.11."),
    ],
)
def test_an_unknown_name_is_an_error_with_suggestions(name: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        provider_named(name)
    assert words in str(caught.value)
    assert caught.value.exit_code == Exit.USAGE


def test_two_versions_differ_fact_by_fact(tmp_path: Path) -> None:
    known = two_versions(tmp_path)
    assert known.versions == ("2026.11", "2027.2")
    comparison = compare_providers("gmail@2026.11", "gmail", known)
    assert [(change.fact, change.before, change.after) for change in comparison.changes] == [
        ("domain gmail.example", None, "SFM"),
        ("limit max-msg-per-connection", "50 (KSH, medium)", "60 (KSH, medium)"),
        ("MX *.google.com", "KSH, medium", None),
    ]


def test_all_providers_of_two_versions_are_compared(tmp_path: Path) -> None:
    changes = compare_providers("2026.11", "2027.2", two_versions(tmp_path)).changes
    whole = [(change.provider, change.before, change.after) for change in changes if change.fact == "provider"]
    assert whole == [("new", None, "New"), ("facebook", "Facebook mail", None)]
    assert {change.provider for change in changes} == {"gmail", "new", "facebook"}


def test_a_comparison_as_text(tmp_path: Path) -> None:
    text = ProviderChangeTable(compare_providers("2026.11", "2027.2", two_versions(tmp_path))).text(Screen())
    assert "+ domain gmail.example: SFM\n" in text
    assert "~ limit max-msg-per-connection: 50 (KSH, medium) -> 60 (KSH, medium)\n" in text
    assert "- MX *.google.com: KSH, medium\n" in text
    assert text.endswith("5 facts differ\n")


def test_versions_are_in_order_of_time(tmp_path: Path) -> None:
    known = two_versions(tmp_path)
    (tmp_path / "2027.2").rename(tmp_path / "2026.9")
    (tmp_path / "notes").mkdir()
    assert type(known)(tmp_path).versions == ("2026.9", "2026.11")
