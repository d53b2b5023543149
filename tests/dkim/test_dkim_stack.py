"""`dkim-keys` from the stack to the host: what is refused, what a plan says, and keys that sign nothing."""

from __future__ import annotations

import json

import pytest
from projects import OFFLINE, RUNS, CommandResult, ProjectFolder, addresses, dangers
from signing_keys import FORMATS, other_type, pem, pkcs1, public, short

from pmtaform.diagnostics import Exit

PATH = "/etc/pmta/dkim/s1.example.com.pem"
SIGNING = "domain: {'*': {dkim-sign: yes}}"
KEY = 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem"}}\n'
LOCKED_KEY = 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem", passphrase: "file:phrase"}}\n'


def wanted(one: ProjectFolder, key: bytes = b"", config: str = SIGNING, keys: str = KEY) -> ProjectFolder:
    one.add_file("s1.pem", key or pem())
    one.config(config, keys)
    return one


def notes(result: CommandResult) -> set[str]:
    return {note["code"] for host in result.json()["hosts"] for note in host["notes"]}


# -- what a plan says, and what comes of it ------------------------------------------------------------------------


def test_a_plan_says_type_and_size_and_nothing_of_the_key(one: ProjectFolder) -> None:
    result = wanted(one).plan()
    assert "+ private-key  RSA 2048 (file:s1.pem)" in result.ended(Exit.OK).out
    for line in pem().decode().splitlines()[1:-1]:
        assert line not in result.all + one.plan("--format", "json").out
    one.apply().ended(Exit.OK)
    assert (one.host.read(PATH), one.host.mode(PATH)) == (pem().decode(), 0o600)
    one.settled()


def test_another_key_on_the_host_is_described_too(one: ProjectFolder) -> None:
    one.host.put(pem("short", 1024), PATH, 0o600)
    result = wanted(one).plan()
    assert "RSA 1024 (another key)" in result.out
    assert "RSA 2048 (file:s1.pem)" in result.out
    assert "signing-key-replaced" in dangers(one.plan("--format", "json"))


@pytest.mark.parametrize(("stack", "host"), [(pem(), pkcs1()), (pkcs1(), pem())], ids=["PKCS#1 there", "PKCS#8 there"])
def test_the_same_key_in_another_form_is_no_change(one: ProjectFolder, stack: bytes, host: bytes) -> None:
    one.host.put(host, PATH, 0o600)
    wanted(one, stack)
    result = one.plan("--format", "json")
    assert ("create", "dkim-key[example.com/s1]") not in addresses(result)
    assert not {address for _, address in addresses(result) if address.startswith("dkim-key")}
    one.apply().ended(Exit.OK)
    assert one.host.at(PATH).read_bytes() == host, "no file is written again only for its spelling"
    one.settled()


@pytest.mark.parametrize("form", [FORMATS.PKCS8, FORMATS.TraditionalOpenSSL], ids=["PKCS#8", "PKCS#1"])
def test_a_locked_key_is_written_open_and_its_passphrase_nowhere(one: ProjectFolder, form: FORMATS) -> None:
    one.add_file("phrase", "canary-phrase\n")
    wanted(one, pem(form=form, passphrase=b"canary-phrase"), keys=LOCKED_KEY)
    result = one.apply().ended(Exit.OK)
    assert "canary" not in result.all + one.state_file.read_text()
    assert "ENCRYPTED" not in one.host.read(PATH)
    assert not [p for p in one.host.root.rglob("*") if p.is_file() and b"canary" in p.read_bytes()]
    one.settled()


def test_a_live_key_that_powermta_may_not_read_is_written_again(one: ProjectFolder) -> None:
    wanted(one)
    one.apply().ended(Exit.OK)
    one.host.put(pem(form=FORMATS.OpenSSH), PATH, 0o600)
    assert "this key, in a form that PowerMTA may not be able to read" in one.plan().out
    one.apply().ended(Exit.OK)
    assert one.host.read(PATH) == pem().decode()


def refused(one: ProjectFolder, code: str, *words: str) -> None:
    """Plan and apply stop with `code`, at a line of the stack; no file of the host is touched."""
    before = one.host.tree()
    for command in ("plan", "apply"):
        result = one.run(command, "fleet").ended(Exit.INVALID)
        assert f"[{code}]" in result.err
        assert "stacks/fleet/stack.yaml:" in result.err
        assert all(word in result.words for word in words), result.words
    assert one.host.tree() == before
    one.run("validate").ended(Exit.OK)


BAD = {
    "damaged": (pkcs1()[:900], "dkim-key-damaged", "cut off"),
    "no PEM": (b"hello\n", "dkim-key-damaged", "not in PEM form"),
    "locked": (pem(passphrase=b"x"), "dkim-key-encrypted", "passphrase: REFERENCE"),
    "Ed25519": (other_type("ed25519"), "dkim-key-type", "rsa-sha256"),
    "EC": (other_type("ec"), "dkim-key-type", "RSA"),
    "two": (pem() + pem("two"), "dkim-key-several", "one in a file"),
    "too short": (short(), "dkim-key-too-short", "512 bits"),
    "public": (public(), "dkim-key-not-private", "cannot sign"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_key_that_cannot_sign_stops_a_plan_and_validate_asks_for_none(one: ProjectFolder, name: str) -> None:
    key, code, words = BAD[name]
    wanted(one, key)
    refused(one, code, words, "file:s1.pem")


def test_a_wrong_passphrase_is_reported_where_it_stands(one: ProjectFolder) -> None:
    one.add_file("phrase", "wrong\n")
    keys = 'dkim-keys:\n  example.com/s1:\n    private-key: "file:s1.pem"\n    passphrase: "file:phrase"\n'
    wanted(one, pem(passphrase=b"right"), keys=keys)
    refused(one, "dkim-key-passphrase")
    at = next(n for n, line in enumerate((one.folder / "stack.yaml").read_text().splitlines(), 1) if "phrase:" in line)
    assert f"stack.yaml:{at}:" in one.plan().err


def test_a_passphrase_that_is_in_the_stack_itself(one: ProjectFolder) -> None:
    wanted(one, keys='dkim-keys: {example.com/s1: {private-key: "file:s1.pem", passphrase: hunter2}}\n')
    result = one.run("validate").ended(Exit.INVALID)
    assert "secret-in-clear" in result.err
    assert "A passphrase must be a reference" in result.words


def test_a_short_key_is_warned_about_while_it_is_new(one: ProjectFolder) -> None:
    wanted(one, pem("short", 1024))
    assert "dkim-key-short" in notes(one.plan("--format", "json"))
    one.apply().ended(Exit.OK)
    one.settled()


def test_a_key_of_many_hosts_is_read_once(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmtaform.stack import private_keys

    read: list[bytes] = []
    load = private_keys.load_private_key
    monkeypatch.setattr(private_keys, "load_private_key", lambda *a, **k: (read.append(a[0]), load(*a, **k))[1])
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    wanted(project).plan().ended(Exit.OK)
    assert len(read) == 1


def test_another_key_under_the_same_reference_concerns_every_host_that_has_it(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    wanted(project).apply().ended(Exit.OK)
    changed = wanted(project, pem("two")).plan("--format", "json").json()["hosts"]
    assert [host["host"] for host in changed if host["changes"]] == ["mta1", "mta2", "mta3"]


# -- keys that sign nothing ----------------------------------------------------------------------------------------

VMTAS = "virtual-mta: {a: {smtp-source-host: 192.0.2.1 a.example}, b: {smtp-source-host: 192.0.2.2 b.example}}\n"
POOL = "virtual-mta-pool: {p: {virtual-mta: a}}\n"
FOR_A = 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem", signs: a}}\n'
FOR_POOL = 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem", signs: p}}\n'


def idle(one: ProjectFolder, config: str, keys: str = KEY) -> set[str]:
    """The codes about signing that validate tells of a stack; a plan tells the same."""
    wanted(one, config=config, keys=keys)
    result = {each["code"] for each in one.run("validate", "--format", "json").ended(Exit.OK).json()["diagnostics"]}
    assert ("dkim-not-signing" in result) == ("dkim-not-signing" in notes(one.plan("--format", "json")))
    assert not {"dkim-not-signing", "key-without-dkim-sign"} <= result, "one finding is reported once"
    return result & {"dkim-not-signing"}


NOTHING = {
    "no layer sets it": ("domain: {'*': {max-smtp-out: 5}}", KEY),
    "one layer says no": ("domain: {'*': {dkim-sign: no}}", KEY),
    "only another virtual MTA says yes": (
        "virtual-mta: {a: {domain: {'*': {dkim-sign: no}}}, b: {domain: {'*': {dkim-sign: yes}}}}",
        FOR_A,
    ),
    "it is for another virtual MTA": (
        "virtual-mta: {a: {smtp-source-host: 192.0.2.1 a.example}, b: {domain: {'*': {dkim-sign: yes}}}}",
        FOR_A,
    ),
    "its virtual MTA overrules the others": (
        "virtual-mta: {a: {domain: {'*': {dkim-sign: no}}}}\ndomain: {'*': {dkim-sign: yes}}",
        FOR_A,
    ),
    "the closer domain is the only one, and says no": (
        "virtual-mta: {a: {domain: {gmail.com: {dkim-sign: no}}}}\ndomain: {gmail.com: {dkim-sign: yes}}",
        FOR_A,
    ),
    "the pool has no members": ("virtual-mta-pool: {p: {max-smtp-out: 5}}\n" + SIGNING, FOR_POOL),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_key_that_signs_nothing(one: ProjectFolder, name: str) -> None:
    assert idle(one, *NOTHING[name]) == {"dkim-not-signing"}


SOMETHING = {
    "all domains": (SIGNING, KEY),
    "one domain": ("domain: {gmail.com: {dkim-sign: yes}}", KEY),
    "a wildcard": ("domain: {'*.example': {dkim-sign: 'true'}}", KEY),
    "a macro": ("domain-macro: {big: 'gmail.com, yahoo.com'}\ndomain: {$big: {dkim-sign: yes}}", KEY),
    "when a message asks": ("domain: {'*': {dkim-sign: if-x-dkim-options-present}}", KEY),
    "a second signature": ("domain: {'*': {second-dkim-sign: yes}}", KEY),
    "one of the virtual MTAs": (VMTAS + "virtual-mta-pool: {p: {virtual-mta: b}}\n" + SIGNING, FOR_A),
    "the virtual MTA's own domain": ("virtual-mta: {a: {domain: {'*': {dkim-sign: yes}}}}", FOR_A),
    "a pool's member": (VMTAS + POOL + SIGNING, FOR_POOL),
    "the pool's domain": (VMTAS + "virtual-mta-pool: {p: {virtual-mta: a, domain: {'*': {dkim-sign: yes}}}}", FOR_POOL),
}


@pytest.mark.parametrize("name", SOMETHING)
def test_a_key_that_something_signs_with(one: ProjectFolder, name: str) -> None:
    assert idle(one, *SOMETHING[name]) == set()


def test_each_idle_key_is_reported_at_its_own_line(one: ProjectFolder) -> None:
    one.add_file("s1.pem", pem())
    one.config(
        "virtual-mta: {a: {domain: {'*': {dkim-sign: yes}}}, b: {domain: {'*': {dkim-sign: no}}}}",
        'dkim-keys:\n  a.example/s1: {private-key: "file:s1.pem", signs: a}\n'
        '  b.example/s1: {private-key: "file:s1.pem", signs: b}\n',
    )
    document = one.run("validate", "--format", "json").json()["diagnostics"]
    (told,) = (each for each in document if each["code"] == "dkim-not-signing")
    lines = (one.folder / "stack.yaml").read_text().splitlines()
    assert "b.example/s1" in lines[told["place"]["line"] - 1]


def test_a_plan_knows_what_the_host_has_besides(one: ProjectFolder) -> None:
    one.host.put(RUNS + "<domain *>\n    dkim-sign yes\n</domain>\n")
    wanted(one, config="domain: {gmail.com: {max-smtp-out: 5}}")
    result = one.run("validate", "--format", "json").json()["diagnostics"]
    (told,) = (each for each in result if each["code"] == "dkim-not-signing")
    assert "Only what the stack declares was looked at" in told["detail"]
    assert "dkim-not-signing" not in notes(one.plan("--format", "json"))


def test_a_plan_that_ends_signing_says_so_and_one_of_other_things_does_not(one: ProjectFolder) -> None:
    wanted(one).apply().ended(Exit.OK)
    wanted(one, config="domain: {'*': {max-smtp-out: 5}}")
    assert "dkim-not-signing" in notes(one.plan("--format", "json"))
    one.apply().ended(Exit.BLOCKED)
    one.apply("--allow", "signing-key-removed").ended(Exit.OK)
    one.config("domain: {'*': {max-smtp-out: 6}}", KEY)
    assert "dkim-not-signing" not in notes(one.plan("--format", "json"))


def test_the_schema_knows_the_passphrase(one: ProjectFolder) -> None:
    schema = json.loads(one.run("schema").out)
    assert "passphrase" in schema["$defs"]["dkim-key"]["properties"]


# -- files that lines still name ---------------------------------------------------------------------------------------

NAMING = {
    "at top level": f"domain-key s1,example.com,{PATH}\n",
    "in a virtual MTA": f"<virtual-mta v>\n    domain-key s1, example.com, {PATH}\n</virtual-mta>\n",
    "in a pool": f"<virtual-mta-pool p>\n    domain-key s1,*,{PATH}\n</virtual-mta-pool>\n",
    "under another selector": f"domain-key other,example.net,{PATH}\n",
    "in quotes": f'domain-key "s1","example.com","{PATH}"\n',
    "to be filled in": "domain-key s1,example.com,/etc/pmta/dkim/{selector}.{domain}.pem\n",
}


@pytest.mark.parametrize("case", NAMING)
def test_a_key_file_that_a_line_still_names_is_not_removed(one: ProjectFolder, case: str) -> None:
    """A line of native text stays when its key is taken out of `dkim-keys`."""
    one.add_file("n.conf", NAMING[case] + "<domain *>\n    dkim-sign yes\n</domain>\n")
    one.add_file("s1.pem", pem())
    one.stack(f"native: [n.conf]\n{KEY}", **OFFLINE)
    one.apply().ended(Exit.OK)
    one.stack("native: [n.conf]\n", **OFFLINE)
    result = one.plan("--format", "json").ended(Exit.OK)
    assert ("delete", "dkim-key[example.com/s1]") not in addresses(result)
    assert "dkim-key-in-use" in notes(result)
    assert [each["by"] for each in result.json()["hosts"][0]["left"]] == ["a domain-key line that names it"]
    one.apply("--allow", "signing-key-removed").ended(Exit.OK)
    assert one.host.at(PATH).exists()
    assert "dkim-key[example.com/s1]" in one.state["hosts"]["mta1"]["keys"]
    one.add_file("n.conf", "<domain *>\n    dkim-sign yes\n</domain>\n")
    one.stack("native: [n.conf]\nunmanaged: remove\n", **OFFLINE)
    gone = one.plan("--format", "json").ended(Exit.OK)
    assert ("delete", "dkim-key[example.com/s1]") in addresses(gone)


@pytest.mark.parametrize("line", ["", "# domain-key s1,example.com,/etc/pmta/dkim/s1.example.com.pem\n"])
def test_a_key_file_that_no_line_names_goes_with_its_key(one: ProjectFolder, line: str) -> None:
    one.add_file("n.conf", f"{line}domain-key s1,example.com,{PATH}.old\n")
    one.add_file("s1.pem", pem())
    one.stack(f"native: [n.conf]\n{KEY}", **OFFLINE)
    one.apply("--allow", "missing-key-file").ended(Exit.OK)
    one.stack("native: [n.conf]\n", **OFFLINE)
    result = one.plan("--format", "json").ended(Exit.OK)
    assert ("delete", "dkim-key[example.com/s1]") in addresses(result)
    assert "dkim-key-in-use" not in notes(result)
