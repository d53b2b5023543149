"""No secret in a raw line, whatever the line looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.values import SENSITIVE
from pmtaform.report.masking import masked_line, masked_source

SECRET = "hunter2hunter2"
SENSITIVE_SPECS = [spec for spec in catalogue().directives if spec.sensitive]


def line_of(spec: DirectiveSpec) -> str:
    return f"{spec.name} /etc/pmta/some.pem {SECRET}" if spec.sensitive == "second" else f"{spec.name} {SECRET}"


def test_there_are_twelve() -> None:
    assert len(SENSITIVE_SPECS) == 12


@pytest.mark.parametrize("spec", SENSITIVE_SPECS, ids=lambda spec: f"{spec.scopes[0]}-{spec.name}")
@pytest.mark.parametrize(
    "form",
    [
        "{line}",
        "    {line}",
        "\t{line}\r\n",
        "# {line}",
        "  ##  {line}  # remark",
        "{line} # was {secret}",
        "{line}#{secret}",
        "retry-after 10m  # {line}",
        "# see: {line}",
        "# old value # {line}",
        "<!-- {line} -->",
        "<smtp-user joe> {line} </smtp-user>",
        "retry-after 10m\r{line}",
        "\ufeff{line}",
        "{{ {line} }}",
        "; {line}",
        "// {line}",
        ": {line}",
    ],
)
def test_a_sensitive_directive_never_shows_its_secret(spec: DirectiveSpec, form: str) -> None:
    for line in (line_of(spec), line_of(spec).replace(spec.name, spec.name.upper())):
        shown = masked_line(form.format(line=line, secret=SECRET))
        assert SECRET not in shown
        assert SENSITIVE in shown


@pytest.mark.parametrize("spec", [s for s in SENSITIVE_SPECS if s.sensitive == "second"], ids=lambda s: s.name)
def test_the_first_word_stays_where_only_the_second_is_secret(spec: DirectiveSpec) -> None:
    assert masked_line(f"  {spec.name}  /a/b.pem  {SECRET}") == f"  {spec.name}  /a/b.pem {SENSITIVE}"
    assert masked_line(f'{spec.name} "/a b.pem" "{SECRET}"') == f'{spec.name} "/a b.pem" {SENSITIVE}'
    assert SECRET not in masked_line(f'{spec.name} "/a b.pem"{SECRET}')
    assert SECRET not in masked_line(f'{spec.name} "/a b.pem {SECRET}')
    assert masked_line(f"{spec.name} /a/b.pem") == f"{spec.name} /a/b.pem"


@pytest.mark.parametrize(
    "line",
    [
        f"my-api-key {SECRET}",
        f"relay_password={SECRET}",
        f"X-Secret: {SECRET}",
        f"domain-macro vault-token {SECRET}",
        f"http-api-key #{SECRET}",
        f"pass\0word {SECRET}",
        f"password\xa0{SECRET}",
        f"<password {SECRET}>",
        f"retry-after 1m; password {SECRET}",
    ],
)
def test_what_sounds_like_a_secret_is_one(line: str) -> None:
    assert SECRET not in masked_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a plain remark",
        "max-msg-rate 300/h # was 200/h",
        "<smtp-user joe>",
        "</smtp-user>",
        "<source {auth}>",
        'http-api-key ""',
        "add-gm-token yes",
        "    reply /wrong password #1/ mode=backoff",
        "/invalid token .*/ bad-mailbox",
        "domain-key s1, example.com, /etc/pmta/dkim/key.pem",
        "\tmax-smtp-out 20",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert masked_line(line) == line


def test_control_characters_are_made_visible_and_tabs_stay() -> None:
    assert masked_line("a\x1b[31m\tb\udcff\u202ec\r\n") == "a\\x1b[31m\tb\\xff\\u202ec"


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_line_can_be_shown(line: str) -> None:
    for shown in (masked_line(line), masked_source(line)):
        assert shown.replace("\t", "").isprintable()


@given(st.text("ab #\t\"'=:", max_size=10), st.sampled_from(SENSITIVE_SPECS))
def test_whatever_stands_before_it_in_a_comment(before: str, spec: DirectiveSpec) -> None:
    assert SECRET not in masked_line(f"#{before} {line_of(spec)}")


@pytest.mark.parametrize(
    "line",
    [
        f"password: {SECRET}",
        f"  - http-api-key {SECRET}",
        f"domain: {{gmail.com: {{auth-password: {SECRET}}}}}",
        f'"api-key": "{SECRET}"',
        f"some_token: '{SECRET}'",
        f"smtp-client-certificate: /a.pem {SECRET}",
    ],
)
def test_a_line_of_a_stack_is_masked_too(line: str) -> None:
    assert SECRET not in masked_source(line)


def test_references_to_secrets_stay() -> None:
    line = "    private-key: keyring:dkim/example.com/s1"
    assert masked_source(line) == line
    assert masked_source("    private-key:") == "    private-key:"
