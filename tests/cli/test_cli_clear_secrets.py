"""A secret in clear text in a stack is an error, wherever it is written; a reference and an empty value are none."""

from __future__ import annotations

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.plan.dangers import danger_kinds

WORD = "5d0c1e7fa9" * 4  # fit for every one of these directives
DANGERS = tuple(word for code in danger_kinds() for word in ("--allow", code))
TYPED = {
    "a password": f"smtp-user: {{u: {{password: {WORD}}}}}",
    "a relay's password": f"domain: {{example.org: {{auth-password: {WORD}}}}}",
    "a nested one": f"virtual-mta: {{v: {{domain: {{example.org: {{auth-password: {WORD}}}}}}}}}",
    "the monitor's key": f"http-api-key: {WORD}",
    "the key of volume audits": f"volume-audit-api-key: {WORD}",
    "a certificate's passphrase": f"smtp-server-tls-certificate: /etc/pmta/a.pem {WORD}",
    "a client key": f"domain: {{example.org: {{smtp-client-certificate: /etc/pmta/a.pem {WORD}}}}}",
    "a listener's passphrase": f"smtp-listener: {{'127.0.0.1:25': {{tls-certificate: /etc/pmta/a.pem {WORD}}}}}",
    "a key of a service": f"signals: {{api-key: {WORD}}}",
    "another service's key": f"transmissions-api: {{api-key: {WORD}}}",
    "a token": f"vault: {{access-token: {WORD}}}",
    "PowerMTA's own lines in YAML": f"smtp-user:\n  u: |\n    password {WORD}",
    "quotes around it": f'smtp-user:\n  u: |\n    password "{WORD}"',
}
NATIVE = {
    "a password": f"<smtp-user u>\npassword {WORD}\n</smtp-user>\n",
    "a nested one": f"<virtual-mta v>\n<domain a.example>\nauth-password {WORD}\n</domain>\n</virtual-mta>\n",
    "a certificate's passphrase": f"smtp-server-tls-certificate /etc/pmta/a.pem {WORD}\n",
    "a key at top level": f"http-api-key {WORD}\n",
}
FINE = {
    "a reference": "smtp-user: {u: {password: {secret: file:u}}}",
    "no password": "smtp-user: {u: {source: s}}\nsource: {s: {smtp-service: yes}}",
    "a certificate without a passphrase": "smtp-server-tls-certificate: /etc/pmta/a.pem",
    "an account's name": "domain: {example.org: {auth-username: u, auth-password: {secret: file:u}}}",
}


@pytest.mark.parametrize("config", TYPED.values(), ids=TYPED.keys())
def test_a_secret_in_yaml_is_an_error_for_every_command(one: ProjectFolder, config: str) -> None:
    one.config(config)
    before = one.host.tree()
    for words in (("validate",), ("lint", "fleet"), ("plan",), ("apply", "--auto-approve")):
        result = one.run(*words).ended(Exit.INVALID)
        assert "secret-in-clear" in result.all
        assert WORD not in result.all
    assert one.host.tree() == before


@pytest.mark.parametrize("text", NATIVE.values(), ids=NATIVE.keys())
def test_a_secret_in_a_native_file_is_an_error_that_only_its_name_allows(one: ProjectFolder, text: str) -> None:
    one.stack("native: [n.conf]\n", activation="none")
    one.add_file("n.conf", text)
    before = one.host.tree()
    for words, code in (
        (("validate",), Exit.INVALID),
        (("lint", "fleet"), Exit.ERROR),
        (("apply", "--auto-approve", *DANGERS), Exit.BLOCKED),
    ):
        result = one.run(*words).ended(code)
        assert "plain-text-secret" in result.all
        assert WORD not in result.all
    assert one.host.tree() == before
    one.apply("--allow", "plain-text-secret", *DANGERS).ended(Exit.OK)
    one.config("postmaster: a@example.com", "native: [n.conf]\n")
    assert "plain-text-secret" not in one.plan().ended(Exit.OK).all  # the plan does not write it again


@pytest.mark.parametrize("config", FINE.values(), ids=FINE.keys())
def test_what_is_no_secret_in_clear_is_no_error(one: ProjectFolder, config: str) -> None:
    one.add_file("u", WORD)
    one.config(config)
    for words in (("validate",), ("plan",)):
        result = one.run(*words).ended(Exit.OK)
        assert "secret-in-clear" not in result.all
        assert "plain-text-secret" not in result.all
