"""What is a reference, what is a value, and what is neither."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.diagnostics import Place
from pmtaform.errors import Invalid
from pmtaform.plugins import SECRET_PROVIDERS
from pmtaform.secrets import Reference, parse_reference, require_reference

PLACE = Place("stacks/demo/stack.yaml", 7, 18)


@pytest.mark.parametrize(
    ("text", "scheme", "name"),
    [
        ("keyring:dkim/example.com/s2026", "keyring", "dkim/example.com/s2026"),
        ("env:SMTP_PASSWORD", "env", "SMTP_PASSWORD"),
        ("file:keys/s1.pem", "file", "keys/s1.pem"),
        ("file:/a folder/with:colons", "file", "/a folder/with:colons"),
        ("command:pass show 'mail/dkim s1'", "command", "pass show 'mail/dkim s1'"),
    ],
)
def test_each_form_is_read_and_written_back(text: str, scheme: str, name: str) -> None:
    reference = parse_reference(text)
    assert reference == Reference(scheme, name)
    assert str(reference) == text


@pytest.mark.parametrize("text", ["", "hunter2", "vault:x", "Keyring:x", " env:X", "https://example.com", ":", "env"])
def test_other_texts_are_values(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keyring:", "no name after"),
        ("keyring:   ", "no name after"),
        ("keyring: x", "spaces around"),
        ("file:a\nb", "control character"),
        ("file:a\x00b", "control character"),
        ("env:NO-DASH", "letters, digits and underscores"),
        ("env:$(id)", "letters, digits and underscores"),
        ("command:pass 'show", "without its partner"),
        ("command:'' x", "no program"),
    ],
)
def test_a_broken_reference_says_what_is_wrong_and_where(text: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_reference(text, place=PLACE)
    (finding,) = caught.value.diagnostics
    assert finding.place == PLACE
    assert says in finding.detail
    assert finding.code == "secret-reference"


def test_a_command_is_words_and_never_a_shell() -> None:
    reference = parse_reference("command:pass show 'a b' $(id) ; rm -rf x")
    assert reference is not None
    assert shlex.split(reference.name) == ["pass", "show", "a b", "$(id)", ";", "rm", "-rf", "x"]


def test_a_pasted_secret_is_refused_without_being_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        require_reference("-----BEGIN CANARY", what="a private key", place=PLACE)
    assert "CANARY" not in str(caught.value)
    assert "a private key must be a reference" in str(caught.value)


def test_a_misspelled_scheme_is_recognised_without_repeating_what_follows() -> None:
    with pytest.raises(Invalid) as caught:
        require_reference("keyrng:canary")
    assert 'Did you mean "keyring"?' in str(caught.value)
    assert "canary" not in str(caught.value)


@given(st.text())
def test_every_text_is_a_reference_that_writes_back_or_a_value_or_an_expected_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except Invalid:
        return
    assert reference is None or str(reference) == text


@given(st.sampled_from(SECRET_PROVIDERS.names()), st.text())
def test_the_same_behind_every_scheme(scheme: str, name: str) -> None:
    try:
        reference = parse_reference(f"{scheme}:{name}")
    except Invalid:
        return
    assert reference is not None
    assert str(reference) == f"{scheme}:{name}"
    if scheme == "command":
        assert shlex.split(reference.name)
