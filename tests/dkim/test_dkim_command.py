"""`pmtaform dkim generate`, `import`, `record` and `list`: keys that are generated, imported and listed."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import keyring
import pytest
import yaml
from keyring.backend import KeyringBackend
from projects import CommandResult, ProjectFolder
from signing_keys import other_type, pem, pkcs1, short

from pmtaform.diagnostics import Exit
from pmtaform.dkim import load_private_key
from pmtaform.dkim.keys import locked_pem
from pmtaform.dkim.sign import sign_message
from pmtaform.dkim.trial import trial_message
from pmtaform.dkim.verification import verify_signature
from pmtaform.dns.dkim_record import parse_dkim
from pmtaform.project import Project
from pmtaform.signing.key_store import make_key

SIGNING = "domain: {'*': {dkim-sign: yes}}"
NAME = "example.com/s1"
FILED = 'dkim-keys: {example.com/s1: {private-key: "file:keys/s1.pem"}}\n'
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Memory(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[username] = password


@pytest.fixture
def kept() -> Iterator[dict[str, str]]:
    """What is in the keyring."""
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory.kept
    keyring.set_keyring(before)


@pytest.fixture
def filed(one: ProjectFolder) -> ProjectFolder:
    """A stack whose one key is to be in a file, which is not there yet."""
    one.config(SIGNING, FILED)
    return one


def generate(one: ProjectFolder, *words: str) -> CommandResult:
    return one.run("dkim", "generate", *words, "--bits", "1024")


def shown_key(result: CommandResult) -> str:
    """The public key in the record that a command wrote as JSON."""
    return parse_dkim(result.json()["record"]["value"]).key


# -- generate ------------------------------------------------------------------------------------------------------


def test_a_new_key_is_kept_where_the_stack_says_and_its_record_is_printed(filed: ProjectFolder) -> None:
    result = generate(filed, NAME).ended(Exit.OK)
    path = filed.folder / "keys/s1.pem"
    key = load_private_key(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o600
    assert result.out.startswith("; zone example.com\n$ORIGIN example.com.\ns1._domainkey.example.com. 3600 IN TXT ")
    assert "".join(result.out.split('"')[1::2]) == f"v=DKIM1; k=rsa; p={key.p}"
    assert "RSA 1024" in result.err
    assert "PRIVATE" not in result.all
    filed.apply().ended(Exit.OK)
    assert filed.host.at("/etc/pmta/dkim/s1.example.com.pem").read_bytes() == path.read_bytes()


def test_2048_bits_unless_it_is_stated(filed: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmtaform.signing import key_store as dkim_keeping

    asked: list[int] = []
    made = load_private_key(pem())
    monkeypatch.setattr(dkim_keeping, "generate_key", lambda bits, reference: (asked.append(bits), made)[1])
    result = filed.run("dkim", "generate", NAME, "--format", "json").ended(Exit.OK).json()
    assert asked == [2048]
    assert (result["type"], result["fingerprint"], result["new"]) == ("RSA 2048", made.fingerprint, True)
    assert [len(text) for text in result["record"]["strings"]] == [255, len(result["record"]["value"]) - 255]


def test_nothing_that_is_there_is_overwritten(filed: ProjectFolder) -> None:
    path = filed.add_file("keys/s1.pem", pem())
    result = generate(filed, NAME).ended(Exit.USAGE)
    assert "[dkim-key-exists]" in result.err
    assert "new selector" in result.words
    assert path.read_bytes() == pem()


def test_a_key_that_the_stack_does_not_declare_goes_into_the_keyring(one: ProjectFolder, kept: dict[str, str]) -> None:
    one.config(SIGNING)
    result = generate(one, "example.com/new").ended(Exit.OK)
    assert load_private_key(kept["fleet/dkim/example.com/new"].encode()).bits == 1024
    entry = result.err.partition("Write under dkim-keys: ")[2].splitlines()[0]
    one.config(SIGNING, f"dkim-keys:\n  {entry}\n")
    assert "RSA 1024 (keyring:fleet/dkim/example.com/new)" in one.plan().ended(Exit.OK).out


def test_a_key_is_kept_where_someone_wants_it(one: ProjectFolder, kept: dict[str, str]) -> None:
    one.config(SIGNING)
    generate(one, "example.com/a", "--to", "file:elsewhere/a.pem").ended(Exit.OK)
    generate(one, "example.com/b", "--to", "keyring:b").ended(Exit.OK)
    assert (one.folder / "elsewhere/a.pem").is_file()
    assert list(kept) == ["b"]


def test_what_others_keep_is_not_written(one: ProjectFolder) -> None:
    one.config(SIGNING, "dkim-keys: {example.com/s1: {private-key: env:SOME_KEY}}\n")
    assert "[key-place-not-writable]" in generate(one, NAME).ended(Exit.USAGE).err


def test_a_selector_is_found(one: ProjectFolder, kept: dict[str, str]) -> None:
    def selector(name: str = "example.com") -> str:
        return make_key(Project(one.root).load("fleet"), name, NOW, bits=1024).home.selector

    one.config(SIGNING, FILED)
    assert selector() == "s1", "the one that the stack waits for"
    assert selector() == "s202603", "a new one, by the month"
    one.add_file("keys/x.pem", pem())
    one.config(SIGNING, 'dkim-keys: {example.com/s202603: {private-key: "file:keys/x.pem"}}\n')
    kept.clear()
    assert selector() == "s202603-2"


def test_two_keys_that_wait_are_not_confused(one: ProjectFolder) -> None:
    one.config(
        SIGNING,
        'dkim-keys: {example.com/a: {private-key: "file:a.pem"}, example.com/b: {private-key: "file:b.pem"}}\n',
    )
    result = generate(one, "example.com").ended(Exit.USAGE)
    assert "a, b" in result.words
    assert not (one.folder / "a.pem").exists()


def test_a_key_with_a_passphrase_is_kept_locked(one: ProjectFolder) -> None:
    one.add_file("phrase", "secret words\n")
    one.config(SIGNING, 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem", passphrase: "file:phrase"}}\n')
    generate(one, NAME).ended(Exit.OK)
    assert b"ENCRYPTED" in (one.folder / "s1.pem").read_bytes()
    assert "RSA 1024" in one.apply().ended(Exit.OK).out
    assert "ENCRYPTED" not in one.host.read("/etc/pmta/dkim/s1.example.com.pem")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("example.com/a b",), "bad-key-name"),
        (("a..com/s1",), "bad-key-name"),
        (("example.com/",), "bad-key-name"),
        (("example.com/s9", "--bits", "512"), "dkim-key-bits"),
        (("example.com/s9", "--to", "nowhere:x"), "no-key-place"),
    ],
)
def test_what_cannot_be_generated(
    filed: ProjectFolder, kept: dict[str, str], words: tuple[str, ...], code: str
) -> None:
    result = filed.run("dkim", "generate", *words)
    assert result.code in (Exit.USAGE, Exit.INVALID)
    assert f"[{code}]" in result.err
    assert not kept
    assert not (filed.folder / "keys").exists()


# -- import --------------------------------------------------------------------------------------------------------


def brought(one: ProjectFolder, content: bytes, *words: str) -> CommandResult:
    path = one.root / "brought.pem"
    path.write_bytes(content)
    return one.run("dkim", "import", str(path), NAME, *words)


def test_a_key_from_elsewhere_is_kept_as_it_is(filed: ProjectFolder) -> None:
    result = brought(filed, pkcs1(), "--format", "json").ended(Exit.OK)
    assert (filed.folder / "keys/s1.pem").read_bytes() == pkcs1()
    assert shown_key(result) == load_private_key(pem()).p
    again = brought(filed, pem(), "--format", "json").ended(Exit.OK).json()
    assert again["new"] is False, "the same key in another form is there already"
    assert (filed.folder / "keys/s1.pem").read_bytes() == pkcs1()


def test_a_key_from_standard_input(filed: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(pem()), isatty=lambda: False))
    filed.run("dkim", "import", "-", NAME).ended(Exit.OK)
    assert (filed.folder / "keys/s1.pem").read_bytes() == pem()


def test_a_key_is_not_pasted_into_a_terminal(filed: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(pem()), isatty=lambda: True))
    result = filed.run("dkim", "import", "-", NAME).ended(Exit.USAGE)
    assert "[key-on-terminal]" in result.err
    assert not (filed.folder / "keys").exists()


def test_a_locked_key_is_opened(filed: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMTAFORM_TEST_PHRASE", "words")
    locked = pem(passphrase=b"words")
    assert "[dkim-key-encrypted]" in brought(filed, locked).ended(Exit.INVALID).err
    brought(filed, locked, "--passphrase", "env:PMTAFORM_TEST_PHRASE").ended(Exit.OK)
    assert (filed.folder / "keys/s1.pem").read_bytes() == pem()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"junk", "dkim-key-damaged"),
        (pem()[:600], "dkim-key-damaged"),
        (other_type("ed25519"), "dkim-key-type"),
        (short(), "dkim-key-too-short"),
        (b"x" * (2 << 20), "dkim-key-damaged"),
    ],
    ids=["junk", "cut off", "Ed25519", "too short", "too large"],
)
def test_what_is_no_key_to_sign_with_is_not_kept(filed: ProjectFolder, content: bytes, code: str) -> None:
    assert f"[{code}]" in brought(filed, content).ended(Exit.INVALID).err
    assert not (filed.folder / "keys").exists()


def test_another_key_is_not_overwritten(filed: ProjectFolder) -> None:
    path = filed.add_file("keys/s1.pem", pem("two"))
    assert "[dkim-key-exists]" in brought(filed, pem()).ended(Exit.USAGE).err
    assert path.read_bytes() == pem("two")


def test_a_file_that_is_not_there_and_a_name_without_selector(filed: ProjectFolder) -> None:
    assert "[key-file-unreadable]" in filed.run("dkim", "import", "none.pem", NAME).ended(Exit.USAGE).err
    filed.add_file("x.pem", pem())
    assert "selector" in filed.run("dkim", "import", str(filed.folder / "x.pem"), "example.com").ended(Exit.USAGE).err


# -- record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(one: ProjectFolder) -> ProjectFolder:
    """Two keys, and one for all domains."""
    for name in ("one", "two", "all"):
        one.add_file(f"{name}.pem", pem(name))
    one.config(
        SIGNING,
        """
        dns: {zones: [example.com], from-domains: [example.net]}
        dkim-keys:
          mail.example.com/s1: {private-key: "file:one.pem"}
          example.org/s1: {private-key: "file:two.pem"}
          "*/s9": {private-key: "file:all.pem", path: /etc/pmta/all.pem}
        """,
    )
    return one


def test_records_in_json_name_their_zone_and_the_strings(keyed: ProjectFolder) -> None:
    result = keyed.run("dkim", "record", "--format", "json").ended(Exit.OK)
    rows = {row["name"]: row for row in result.json()["records"]}
    assert {name: row["zone"] for name, row in rows.items()} == {
        "s1._domainkey.mail.example.com": "example.com",
        "s1._domainkey.example.org": "example.org",
        "s9._domainkey.example.net": "example.net",
    }
    row = rows["s1._domainkey.example.org"]
    assert "".join(row["strings"]) == row["value"] == f"v=DKIM1; k=rsa; p={load_private_key(pem('two')).p}"
    assert max(map(len, row["strings"])) == 255


FORMS = {
    "bind": 's1._domainkey.example.org. 3600 IN TXT "v=DKIM1; k=rsa; p=',
    "octodns": '"s1._domainkey":',
    "dnscontrol": 'TXT("s1._domainkey"',
    "route53": 'resource "aws_route53_record"',
    "cloudflare": 'resource "cloudflare_record"',
    "json": '"kind": "pmtaform-dns-records"',
}


@pytest.mark.parametrize("form", FORMS)
def test_a_record_in_every_form(keyed: ProjectFolder, form: str) -> None:
    result = keyed.run("dkim", "record", "example.org/s1", "--as", form).ended(Exit.OK)
    assert FORMS[form] in result.out
    assert "mail.example.com" not in result.out
    if form == "octodns":
        value = yaml.safe_load(result.out)["s1._domainkey"][0]["value"]
        assert parse_dkim(value.replace("\\;", ";")).key == load_private_key(pem("two")).p


def test_a_domain_of_another_alphabet_has_its_record_where_signatures_look(one: ProjectFolder) -> None:
    one.add_file("key.pem", pem())
    one.config(SIGNING, 'dkim-keys: {Bücher.example/s1: {private-key: "file:key.pem", path: /etc/pmta/s1.pem}}\n')
    (record,) = one.run("dkim", "record", "--format", "json").ended(Exit.OK).json()["records"]
    assert (record["zone"], record["name"]) == ("xn--bcher-kva.example", "s1._domainkey.xn--bcher-kva.example")
    message = sign_message(trial_message("Bücher.example", NOW), load_private_key(pem()), "Bücher.example", "s1")
    assert verify_signature(message, {record["name"]: record["value"]}.get).ok
    (row,) = one.run("dkim", "list", "--offline", "--format", "json").json()["keys"]
    assert row["record"] == record["name"]


def test_flags_and_a_record_that_revokes(keyed: ProjectFolder) -> None:
    def text(*options: str) -> str:
        result = keyed.run("dkim", "record", "example.org", "--format", "json", *options).ended(Exit.OK).json()
        return str(result["records"][0]["value"])

    assert text("--testing", "--strict").startswith("v=DKIM1; k=rsa; t=y:s; p=MII")
    (keyed.folder / "two.pem").unlink()
    revoked = parse_dkim(text("--revoked"))
    assert revoked.is_revoked


def test_a_key_that_cannot_be_read_takes_its_own_record_away(keyed: ProjectFolder) -> None:
    (keyed.folder / "one.pem").write_bytes(b"junk")
    result = keyed.run("dkim", "record").ended(Exit.ERROR)
    assert "[dkim-key-damaged]" in result.err
    assert "example.org" in result.out
    assert "mail.example.com" not in result.out


def test_a_misspelt_key_is_no_key(keyed: ProjectFolder) -> None:
    result = keyed.run("dkim", "record", "example.ogr/s1").ended(Exit.USAGE)
    assert 'Did you mean "example.org/s1"?' in result.words
    assert keyed.run("dkim", "record", "*.example.com", "fleet").ended(Exit.OK).out.count("IN TXT") == 1
    assert keyed.run("dkim", "record", "a", "b", "c").code == Exit.USAGE


# -- list ----------------------------------------------------------------------------------------------------------


def test_keys_are_listed_with_what_they_are_and_where_they_are_used(project: ProjectFolder) -> None:
    for host in ("mta1", "mta2"):
        project.add_host(host)
    path = project.add_file("a.pem", pem())
    long_ago = datetime.now(UTC).timestamp() - 40 * 86400
    os.utime(path, (long_ago, long_ago))
    project.config(
        "virtual-mta: {v: {domain: {'*': {dkim-sign: yes}}}, w: {smtp-source-host: 192.0.2.1 w.example}}",
        'dkim-keys:\n  a.example/s1: {private-key: "file:a.pem", signs: [v, w]}\n'
        '  b.example/s1: {private-key: "file:none.pem", signs: w}\n',
    )
    result = project.run("dkim", "list", "--offline").ended(Exit.OK)
    first, second = result.out.splitlines()[1:]
    assert first.split() == [
        *("a.example/s1", "RSA", "2048", "40", "days", "ago", "not-checked"),
        *("mta1,", "mta2", "v,", "w", "file:a.pem"),
    ]
    assert "unreadable" in second
    assert "nothing" in second
    assert "[secret-unavailable]" in result.err
    rows = project.run("dkim", "list", "--offline", "--format", "json").ended(Exit.OK).json()["keys"]
    assert [row["age_days"] for row in rows] == [40, None]
    assert (rows[0]["signers"], rows[0]["signs_nothing_on"]) == (["v", "w"], [])
    assert (rows[1]["signs_nothing_on"], rows[1]["problems"][0]["code"]) == (["mta1", "mta2"], "secret-unavailable")
    one = project.run("dkim", "list", "--offline", "--host", "mta2", "--format", "json").json()["keys"]
    assert [row["hosts"] for row in one] == [["mta2"], ["mta2"]]


def test_whom_a_key_is_given_to_however_its_line_is_written(one: ProjectFolder) -> None:
    one.add_file("a.pem", pem())
    path = "/etc/pmta/dkim/s1.a.example.pem"
    one.config(
        f"""
        virtual-mta:
          v: {{domain-key: '"s1", A.Example, "{path}"'}}
          w: {{domain-key: "s2,a.example,{path}"}}
        domain-key-list: {{chosen: {{domain-key: "s1 , a.example , {path}"}}}}
        domain: {{'*': {{dkim-sign: yes}}}}
        """,
        'dkim-keys: {a.example/s1: {private-key: "file:a.pem", signs: v}}\n',
    )
    row, other = one.run("dkim", "list", "--offline", "--format", "json").ended(Exit.OK).json()["keys"]
    assert (other["selector"], other["signers"]) == ("s2", ["w"])
    assert row["signers"] == ["v", "domain-key-list[chosen]"]
    assert row["signs_nothing_on"] == []


def test_a_key_that_a_line_alone_names_is_listed_and_its_selector_is_taken(one: ProjectFolder) -> None:
    one.add_file(
        "native.conf", "domain-key s7,native.example,/etc/pmta/n.pem\ndomain-key $s,a.example,/etc/pmta/m.pem\n"
    )
    one.config(
        'domain: {"*": {dkim-sign: yes}}\nvirtual-mta: {v: {domain-key: "s202603,a.example,/etc/pmta/a.pem"}}',
        "native: [native.conf]\n",
    )
    rows = one.run("dkim", "list", "--offline", "--format", "json").ended(Exit.OK).json()["keys"]
    assert [(row["domain"], row["selector"], row["paths"], row["signers"]) for row in rows] == [
        ("a.example", "s202603", ["/etc/pmta/a.pem"], ["v"]),
        ("native.example", "s7", ["/etc/pmta/n.pem"], []),
    ]
    assert {(row["declared"], row["reference"], row["type"]) for row in rows} == {(False, None, None)}
    assert "native.example/s7  on hosts" in one.run("dkim", "list", "--offline").ended(Exit.OK).out
    result = one.run("dkim", "record", "native.example").ended(Exit.OK)
    assert "[dkim-undeclared]" in result.err
    assert "TXT" not in result.out
    assert "p=" in one.run("dkim", "record", "native.example", "--revoked").ended(Exit.OK).out
    made = make_key(Project(one.root).load("fleet"), "a.example", NOW, bits=1024, to="file:keys/a.pem")
    assert made.home.selector == "s202603-2"


def test_hosts_whose_keys_have_passphrases_of_their_own(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = {}
    project.add_file("key.pem", locked_pem(load_private_key(pem()), b"right"))
    for name, phrase in (("mta1", "wrong"), ("mta2", "right")):
        monkeypatch.setenv(f"OPENS_{name.upper()}", phrase)
        entry = {"private-key": "file:key.pem", "passphrase": f"env:OPENS_{name.upper()}"}
        hosts[name] = {"dkim-keys": {NAME: entry}}
    project.stack(hosts=hosts)
    result = project.run("dkim", "list", "--offline", "--format", "json").ended(Exit.OK).json()["keys"]
    assert [(row["hosts"], row["type"]) for row in result] == [(["mta1"], None), (["mta2"], "RSA 2048")]
    (project.folder / "key.pem").unlink()
    assert "[ambiguous-passphrase]" in generate(project, NAME).ended(Exit.USAGE).err
    assert not (project.folder / "key.pem").exists()


def test_a_stack_without_keys(one: ProjectFolder) -> None:
    one.config(SIGNING)
    assert one.run("dkim", "list", "--offline").ended(Exit.OK).out == "The stack has no DKIM keys.\n"
    assert one.run("dkim", "verify").ended(Exit.OK).out == "The stack has no DKIM keys.\n"


@pytest.mark.parametrize(
    ("line", "idle"),
    [
        ("domain-key old,example.com,/etc/pmta/old.pem\n", ["mta1"]),
        ("domain-key old,example.net,/etc/pmta/old.pem\n", []),
        ("<virtual-mta v>\n    domain-key old,example.com,/etc/pmta/old.pem\n</virtual-mta>\n", []),
    ],
)
def test_a_key_that_another_line_comes_before_signs_nothing(one: ProjectFolder, line: str, idle: list[str]) -> None:
    one.add_file("n.conf", line)
    one.config(SIGNING, f"native: [n.conf]\n{FILED}")
    rows = one.run("dkim", "list", "--offline", "--format", "json").json()["keys"]
    (row,) = [row for row in rows if row["selector"] == "s1"]
    assert row["signs_nothing_on"] == idle
