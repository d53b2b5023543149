"""Secrets and keys: never in a file that Git would take."""

from __future__ import annotations

import pytest
from adopting import Adopting, codes, fake_keyring, forms
from projects import HostFolder
from signing_keys import FORMATS, another, other_type, pem, public

from pmtaform.adopt.choices import Form

CANARIES = [
    f"canary-{name}"
    for name in ("user", "api", "tls", "out", "remark", "beside", "dup", "odd", "frag", "inc", "said", "policy")
]
BODY = """
http-api-key canary-api
smtp-server-tls-certificate /etc/pmta/x.pem canary-tls
#password canary-remark
# password: canary-said, as Ann told
<smtp-user u>
  password canary-user   # canary-user, or was it canary-beside
  source {a}
</smtp-user>
<smtp-user twice>
  password canary-dup
  password canary-dup
</smtp-user>
<acct-file /x>
  privacy-policy siphash canary-policy
</acct-file>
<domain a.example>
  auth-username joe
  auth-password canary-out
  max-smtp-out 5
</domain>
unknown-password canary-odd
<virtual-mta v>
include /etc/pmta/frag
</virtual-mta>
include /etc/pmta/inc
"""


def machine(adopting: Adopting) -> HostFolder:
    return adopting.server(
        BODY,
        frag="auth-password canary-frag\n",
        inc="postmaster a@b\n<smtp-user i>\npassword canary-inc\n</smtp-user>\n",
    )


@pytest.mark.parametrize("shape", ["yaml", "native"])
@pytest.mark.parametrize("where", ["file", "env", "keyring"])
def test_no_secret_is_in_a_file_that_git_takes(
    adopting: Adopting, shape: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver, kept = fake_keyring()
    imported = adopting.run(machine(adopting), as_=shape, secrets=where, resolver=resolver)
    for name, content in adopting.open_files().items():
        for canary in CANARIES:
            assert canary.encode() not in content, (name, canary)
    told = " ".join(map(str, imported.adopted.notes)) + repr(imported)
    assert not [canary for canary in CANARIES if canary in told]
    for reference, value in imported.adopted.to_store("env").items():
        monkeypatch.setenv(reference.removeprefix("env:"), value.decode())
    for reference, value in imported.adopted.to_store("keyring").items():
        assert kept.fetch(reference.removeprefix("keyring:"), deadline=1) == value
    if where != "keyring":  # the plan looks into the real one
        assert adopting.changes() == []
    assert len(imported.adopted.secrets) == 7
    assert {"block-omitted", "comment-masked"} <= codes(imported)
    assert set(forms(imported, Form.LEFT)) == {"smtp-user[twice]", "setting[unknown-password]"}


def test_where_secrets_are_is_stated(adopting: Adopting) -> None:
    adopting.run(machine(adopting))
    text = adopting.config()
    assert "password: {secret: file:secrets/smtp-user-u-password}" in text
    assert "http-api-key: {secret: file:secrets/http-api-key}" in text
    assert "{value: /etc/pmta/x.pem, secret: file:secrets/smtp-server-tls-certificate}" in text
    assert "# password: ***" in text
    assert "#password ***" in text


@pytest.mark.parametrize("value", ["a b", '"quoted x"', "ümlaut99", "  lead", "x${y}zz", "=:[{'"])
def test_odd_secrets_stay_what_they_are(adopting: Adopting, value: str) -> None:
    imported = adopting.run(adopting.server(f"<smtp-user u>\npassword {value}\n</smtp-user>\n"))
    assert adopting.changes() == []
    assert list(imported.adopted.secrets.values()) == [value.strip().encode()]


def test_a_variable_begins_with_no_digit(adopting: Adopting) -> None:
    server = adopting.server("<smtp-user u>\npassword long-one\n</smtp-user>\n")
    imported = adopting.run(server, stack="9lives", secrets="env")
    assert list(imported.adopted.secrets) == ["env:_9LIVES_SMTP_USER_U_PASSWORD"]


def test_one_secret_of_two_servers_is_one(adopting: Adopting) -> None:
    body = "<smtp-user u>\npassword same-for-all\n</smtp-user>\n<smtp-user v>\npassword of-{}\n</smtp-user>\n"
    one, two = adopting.server(body.format(1), "one"), adopting.server(body.format(2), "two")
    imported = adopting.run(one, two)
    assert adopting.changes() == []
    assert sorted(imported.adopted.secrets) == [
        "file:secrets/smtp-user-u-password",
        "file:secrets/smtp-user-v-password",
        "file:secrets/two-smtp-user-v-password",
    ]


# -- keys --------------------------------------------------------------------------------------------------------------


KEYED = """
domain-key s1,a.example,/etc/pmta/a.pem
domain-key s2, b.example, /etc/pmta/b.pem
domain-key s1,*,/etc/pmta/dkim/all.pem
<virtual-mta v>
  smtp-source-host 192.0.2.1 v.example
  domain-key s9,c.example,/etc/pmta/c.pem
</virtual-mta>
<virtual-mta w>
  domain-key s9,c.example,/etc/pmta/c.pem
</virtual-mta>
"""


def signing(adopting: Adopting, body: str = KEYED, name: str = "mta1") -> HostFolder:
    made = adopting.server(body, name)
    for path in ("a.pem", "b.pem", "c.pem", "dkim/all.pem"):
        made.put(another(), f"/etc/pmta/{path}", mode=0o640)
    return made


def test_keys_are_left_alone(adopting: Adopting) -> None:
    server = signing(adopting)
    adopting.run(server)
    assert adopting.changes() == []
    assert "domain-key:" in adopting.config()
    assert "dkim-keys" not in adopting.yaml()
    assert not list((adopting.root / "stacks/fleet").rglob("*.pem"))


@pytest.mark.parametrize("shape", ["yaml", "native"])
def test_keys_are_taken_into_files(adopting: Adopting, shape: str) -> None:
    server = signing(adopting)
    before = server.tree()
    imported = adopting.run(server, keys="file", as_=shape)
    assert adopting.changes() == []
    assert server.tree() == before
    assert set(imported.adopted.keys) == {"a.example/s1", "b.example/s2", "*/s1", "c.example/s9"}
    if shape == "yaml":
        assert "domain-key:" not in adopting.yaml()
    assert "c.example/s9:" in adopting.yaml()
    assert "signs: [v, w]" in adopting.yaml()
    assert not [name for name, content in adopting.open_files().items() if b"PRIVATE" in content]
    (adopting.root / "stacks/fleet/keys/a.example.s1.pem").write_bytes(another())
    assert adopting.changes() == ["mta1:dkim-key[a.example/s1]"]


SUPERFLUOUS = {
    "typed": "domain-key s1,a.example,/etc/pmta/a.pem\n",
    "in a virtual MTA": "<virtual-mta v>\ndomain-key s1,a.example,/etc/pmta/a.pem\nmax-smtp-out 3\n</virtual-mta>\n",
    "in a section that cannot be typed": (
        "<virtual-mta v>\ndomain-key s1,a.example,/etc/pmta/a.pem\nno-such-word 3\nmax-smtp-out 3\n</virtual-mta>\n"
    ),
    "beside one that stays": ("domain-key s9,b.example,/etc/pmta/none.pem\ndomain-key s1,a.example,/etc/pmta/a.pem\n"),
    "in a section that occurs twice": (
        "<virtual-mta v>\nmax-smtp-out 3\n</virtual-mta>\n"
        "<virtual-mta v>\ndomain-key s1,a.example,/etc/pmta/a.pem\n</virtual-mta>\n"
    ),
}


@pytest.mark.parametrize("shape", ["yaml", "native"])
@pytest.mark.parametrize("case", SUPERFLUOUS)
def test_a_key_that_is_taken_in_has_no_line_of_its_own_besides(adopting: Adopting, case: str, shape: str) -> None:
    """Such a line would come first, and sign on when the key is rotated or taken out."""
    server = adopting.server(SUPERFLUOUS[case])
    server.put(pem(), "/etc/pmta/a.pem", mode=0o600)
    imported = adopting.run(server, keys="file", as_=shape)
    texts = b"".join(adopting.open_files().values()).decode()
    lines = [line for line in texts.splitlines() if "/etc/pmta/a.pem" in line and "private-key:" not in line]
    assert bool(lines) is ("a.example/s1" not in imported.adopted.keys), texts
    assert case == "in a section that occurs twice" or not lines
    assert adopting.changes() == []


def test_keys_are_taken_into_a_keyring(adopting: Adopting) -> None:
    resolver, kept = fake_keyring()
    server = signing(adopting)
    adopting.run(server, keys="keyring", resolver=resolver)
    assert kept.fetch("fleet/dkim/a.example/s1", deadline=1).decode() == server.read("/etc/pmta/a.pem")
    assert "private-key: keyring:fleet/dkim/a.example/s1" in adopting.yaml()


LEFT = [
    pytest.param("domain-key s1,a.example,/etc/pmta/none.pem\n", "could not be read", id="no file"),
    pytest.param("domain-key s1,a.example,/etc/pmta/a.pem\ndomain-key s2,a.example,/etc/pmta/a.pem\n",
                 "several selectors", id="one file"),
    pytest.param("domain-key s1,a.example,/etc/pmta/a.pem\ndomain-key s1,a.example,/etc/pmta/b.pem\n",
                 "several key files", id="two files"),
    pytest.param("domain-key s1,*,/etc/pmta/a.pem\ndomain-key s1,b.example,/etc/pmta/b.pem\n", "order", id="order"),
    pytest.param("domain-key s1,a.example,/etc/pmta/a.pem\n<virtual-mta v>\ndomain-key s1,a.example,/etc/pmta/a.pem\n"
                 "</virtual-mta>\n", "for all and for some", id="all and some"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "why"), LEFT)
def test_keys_that_would_not_be_the_same_stay_lines(adopting: Adopting, body: str, why: str) -> None:
    imported = adopting.run(signing(adopting, body), keys="file")
    assert adopting.changes() == []
    assert "domain-key:" in adopting.config()
    assert any(why in note.detail for note in imported.adopted.notes if note.code == "key-kept-as-line")


UNFIT = {
    "of another type": (other_type("ed25519"), "Ed25519"),
    "two": (pem() + pem("two"), "which of them would sign"),
    "in OpenSSH's form": (pem(form=FORMATS.OpenSSH), "may not read"),
    "locked": (pem(passphrase=b"x"), "it needs a passphrase"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_key_that_could_not_sign_stays_a_line(adopting: Adopting, name: str) -> None:
    content, why = UNFIT[name]
    server = adopting.server("domain-key s1,a.example,/etc/pmta/a.pem\n")
    server.put(content, "/etc/pmta/a.pem", mode=0o640)
    imported = adopting.run(server, keys="file")
    assert adopting.changes() == []
    (left,) = (note.detail for note in imported.adopted.notes if note.code == "key-kept-as-line")
    assert "/etc/pmta/a.pem" in left
    assert why in left


def test_what_is_beside_a_key_is_left_where_it_is(adopting: Adopting) -> None:
    server = adopting.server("domain-key s1,a.example,/etc/pmta/a.pem\n")
    server.put(public() + pem(), "/etc/pmta/a.pem", mode=0o640)
    assert set(adopting.run(server, keys="file").adopted.keys) == {"a.example/s1"}
    assert adopting.changes() == []


def test_keys_of_several_servers(adopting: Adopting) -> None:
    one, two = signing(adopting, name="one"), signing(adopting, name="two")
    two.put(one.read("/etc/pmta/a.pem"), "/etc/pmta/a.pem")
    adopting.run(one, two, keys="file")
    assert adopting.changes() == []
