"""Which secrets a stack refers to: every place that takes one, told with its line, its purpose and its hosts."""

from __future__ import annotations

import pytest
from stack_project import Project

from pmtaform.errors import Invalid
from pmtaform.stack import Purpose, SecretUse, load_stack, secret_uses

TWO = "hosts: {a: {address: 192.0.2.1, groups: [g]}, b: {address: 192.0.2.2}}\ngroups: {g: {}}\n"


def uses(project: Project, text: str) -> dict[str, SecretUse]:
    project.write(text)
    return {use.reference: use for use in secret_uses(load_stack(project.folder))}


# what the stack says -> what the reference in it is for
PLACES = {
    "config: {http-api-key: {secret: env:X}}": "http-api-key",
    "config: {http-api-key: [{secret: env:X}]}": "http-api-key",
    "config: {volume-audit-api-key: {secret: env:X}}": "volume-audit-api-key",
    "config: {smtp-server-tls-certificate: {value: /a.pem, secret: env:X}}": "smtp-server-tls-certificate",
    "config: {smtp-user: {app: {password: {secret: env:X}}}}": "smtp-user app: password",
    "config: {domain: {'*': {auth-password: {secret: env:X}}}}": "domain *: auth-password",
    "config: {domain: {'*': {auth-username: {secret: env:X}}}}": "domain *: auth-username",
    "config: {domain: {'*': {smtp-client-certificate: {value: /a.pem, secret: env:X}}}}": (
        "domain *: smtp-client-certificate"
    ),
    "config: {virtual-mta: {v: {domain: {a.com: {auth-password: {secret: env:X}}}}}}": (
        "virtual-mta v: domain a.com: auth-password"
    ),
    "config: {smtp-listener: {'0.0.0.0:25': {tls-certificate: {value: /a.pem, secret: env:X}}}}": (
        "smtp-listener 0.0.0.0:25: tls-certificate"
    ),
    "config: {acct-file: {/var/log/a.csv: {privacy-policy: {value: siphash, secret: env:X}}}}": (
        "acct-file /var/log/a.csv: privacy-policy"
    ),
    "config: {signals: {api-key: {secret: env:X}}}": "signals: api-key",
    "config: {transmissions-api: {api-key: {secret: env:X}}}": "transmissions-api: api-key",
    "dkim-keys: {example.com/s1: {private-key: env:X}}": "dkim-key example.com/s1: private-key",
    "files: {/etc/pmta/license: {secret: env:X}}": "file /etc/pmta/license: secret",
    "files: {/etc/pmta/a.pem: {content: x, private-key: env:X}}": "file /etc/pmta/a.pem: private-key",
    "ssh: {password: env:X}": "login password",
    "ssh: {sudo: {password: env:X}}": "sudo password",
    "ssh: {passphrase: env:X}": "passphrase of the SSH key",
}


@pytest.mark.parametrize("text", PLACES)
def test_every_place_that_takes_a_secret_takes_a_reference(project: Project, text: str) -> None:
    (use,) = uses(project, TWO + text).values()
    assert (use.what, use.hosts) == (PLACES[text], ("a", "b"))
    assert (use.place.file, use.place.line) == ("stacks/demo/main.yaml", 3)
    assert text[use.place.column or 0 :].startswith(("nv:X", "env:X"))


def test_a_group_s_reference_is_for_its_hosts_and_a_host_s_own_for_that_host(project: Project) -> None:
    result = uses(
        project,
        """
hosts:
  a: {address: 192.0.2.1, groups: [g], password: env:LOGIN_A}
  b: {address: 192.0.2.2, config: {http-api-key: {secret: env:HOST}}}
groups: {g: {config: {http-api-key: {secret: env:GROUP}}}}
ssh: {password: env:LOGIN}
""",
    )
    assert {reference: use.hosts for reference, use in result.items()} == {
        "env:LOGIN_A": ("a",),
        "env:HOST": ("b",),
        "env:GROUP": ("a",),
        "env:LOGIN": ("b",),
    }


def test_what_a_higher_layer_takes_away_is_not_needed(project: Project) -> None:
    text = TWO.replace("{g: {}}", "{g: {config: {http-api-key: {secret: env:OTHER}}}}")
    text = text.replace("b: {address: 192.0.2.2}", "b: {address: 192.0.2.2, config: {http-api-key: null}}")
    assert set(uses(project, text + "config: {http-api-key: {secret: env:X}}")) == {"env:OTHER"}


def test_a_reference_made_of_variables_is_reported_as_each_host_has_it(project: Project) -> None:
    result = uses(project, TWO + "config: {http-api-key: {secret: 'keyring:${host}/api'}}")
    assert {reference: use.hosts for reference, use in result.items()} == {
        "keyring:a/api": ("a",),
        "keyring:b/api": ("b",),
    }


def test_a_local_host_has_no_use_for_ssh_s_secrets(project: Project) -> None:
    text = "ssh: {password: env:X, sudo: {password: env:Y}, passphrase: env:Z}\n"
    assert uses(project, text + "hosts: {mta1: {transport: local, root: root}}") == {}
    assert load_stack(project.folder).hosts["mta1"].references == ()


def test_a_passphrase_says_which_keys_it_is_for(project: Project) -> None:
    result = uses(project, "ssh: {passphrase: env:X}\nhosts: {a: {address: x, identity-files: [k]}, b: {address: y}}")
    assert result["env:X"].purpose is Purpose.PASSPHRASE
    assert result["env:X"].identity_files == (str(project.folder / "k"),)


def test_a_stack_that_is_not_valid_says_so(project: Project) -> None:
    project.write(TWO + "config: {postmaster: '${missing}'}")
    with pytest.raises(Invalid):
        secret_uses(load_stack(project.folder))
