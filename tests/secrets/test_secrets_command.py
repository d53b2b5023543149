"""`pmtaform secrets`: set, get, list, delete and check, as people and pipelines use it."""

from __future__ import annotations

import base64
import io
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import signing_keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from keyring.backend import KeyringBackend
from keyring_backends import HangingKeyring, MemoryKeyring
from projects import PROGRAM, CommandResult, ProjectFolder, until
from terminal import QUESTION, talk

from pmtaform.diagnostics import Exit
from pmtaform.dkim import load_private_key
from pmtaform.dkim.keys import locked_pem

VALUE = "canary-value-17"
UseKeyring = Callable[[KeyringBackend], None]


def pem(bits: int = 2048, passphrase: str = "") -> str:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    key = rsa.generate_private_key(65537, bits)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


KEY = pem()
SHORT = pem(1024)


@pytest.fixture
def memory(use_keyring: UseKeyring) -> MemoryKeyring:
    backend = MemoryKeyring()
    use_keyring(backend)
    return backend


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], None]:
    """What is on standard input."""

    def give(value: str | bytes) -> None:
        content = value.encode() if isinstance(value, str) else value
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def kept(backend: MemoryKeyring) -> dict[str, str]:
    return {name.partition("\0")[2]: value for name, value in backend.entries.items()}


# -- set ----


def test_a_value_from_a_pipe_is_kept_without_its_last_line_end(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None]
) -> None:
    one.config("http-api-key: {secret: 'keyring:http/api'}")
    given(f"{VALUE}\n")
    result = one.run("secrets", "set", "keyring:http/api").ended(Exit.OK)
    assert kept(memory) == {"http/api": VALUE}
    assert result.out == "keyring:http/api is stored.\n"
    assert result.err == ""


def test_pem_keeps_its_lines_and_ends_with_one_line_end(one: ProjectFolder, given: Callable[[str], None]) -> None:
    one.config("", "dkim-keys: {example.com/s1: {private-key: 'file:keys/s1.pem'}}")
    given(KEY.rstrip("\n") + "\n\n\n")
    one.run("secrets", "set", "file:keys/s1.pem").ended(Exit.OK)
    path = one.folder / "keys/s1.pem"
    assert path.read_text() == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words",
    [["smtp/app"], ["keyring:smtp/app"], ["keyring:smtp/app", "fleet"], ["fleet", "smtp/app"], ["smtp/app", "fleet"]],
)
def test_a_bare_name_is_an_entry_of_the_keyring_and_the_stack_may_stand_on_either_side(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None], words: list[str]
) -> None:
    one.config("postmaster: a@b.example")
    given(VALUE)
    one.run("secrets", "set", *words).ended(Exit.OK)
    assert kept(memory) == {"smtp/app": VALUE}


def test_a_file_is_relative_to_the_stack_that_is_named(one: ProjectFolder, given: Callable[[str], None]) -> None:
    one.config("postmaster: a@b.example")
    other = one.root / "stacks/other"
    other.mkdir()
    (other / "stack.yaml").write_text("stack: other\n")
    given(VALUE)
    assert "ambiguous-stack" in one.run("secrets", "set", "file:secrets/app").ended(Exit.USAGE).err
    one.run("secrets", "set", "file:secrets/app", "other").ended(Exit.OK)
    assert (other / "secrets/app").read_text() == VALUE


def test_the_keyring_needs_no_project(
    tmp_path: Path, memory: MemoryKeyring, given: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given(VALUE)
    ProjectFolder(tmp_path).run("secrets", "set", "keyring:x").ended(Exit.OK)
    assert kept(memory) == {"x": VALUE}


def test_what_is_there_is_replaced_only_on_demand(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None]
) -> None:
    one.config("postmaster: a@b.example")
    given("old")
    one.run("secrets", "set", "x").ended(Exit.OK)
    given("new")
    assert "--overwrite" in one.run("secrets", "set", "x").ended(Exit.USAGE).words
    assert kept(memory) == {"x": "old"}
    assert "replaced" in one.run("secrets", "set", "x", "--overwrite").ended(Exit.OK).out
    assert kept(memory) == {"x": "new"}


@pytest.mark.parametrize(("value", "code"), [("", "empty-secret"), ("\n", "empty-secret"), ("x" * 1_048_577, "large")])
def test_what_is_no_value_changes_nothing(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None], value: str, code: str
) -> None:
    one.config("postmaster: a@b.example")
    given(value)
    assert code in one.run("secrets", "set", "x").ended(Exit.USAGE).err
    assert kept(memory) == {}


@pytest.mark.parametrize("reference", ["env:X", "command:pass show x"])
def test_what_others_keep_is_not_written(one: ProjectFolder, given: Callable[[str], None], reference: str) -> None:
    one.config("postmaster: a@b.example")
    given(VALUE)
    result = one.run("secrets", "set", reference).ended(Exit.ERROR)
    assert "it writes keyring:NAME or file:PATH" in result.words


@pytest.mark.parametrize(
    "words",
    [["keyring:x", VALUE], ["x", VALUE], ["fleet", "x", VALUE], [VALUE, "keyring:y", "x"], [f"keyrng:{VALUE}"]],
)
def test_a_value_among_the_arguments_is_refused_and_not_repeated(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None], words: list[str]
) -> None:
    one.config("postmaster: a@b.example")
    given("something else")
    result = one.run("secrets", "set", *words)
    assert result.code in (Exit.USAGE, Exit.INVALID)
    assert VALUE not in result.all
    assert ("There are: fleet." in result.words) == (words[0] == "keyring:x"), "the word beside it is taken for a stack"
    assert kept(memory) == {}


def test_a_name_that_the_stack_does_not_know_is_remarked(
    one: ProjectFolder, memory: MemoryKeyring, given: Callable[[str], None]
) -> None:
    one.config("http-api-key: {secret: 'keyring:http/api'}")
    given(VALUE)
    result = one.run("secrets", "set", "keyring:http/apj").ended(Exit.OK)
    assert 'Did you mean "keyring:http/api"?' in result.words


def test_a_file_that_git_would_take_is_remarked_and_a_folder_of_ours_is_not_taken(
    one: ProjectFolder, given: Callable[[str], None]
) -> None:
    one.config("postmaster: a@b.example")
    subprocess.run(["git", "init", "-q", str(one.root)], check=True)
    given(VALUE)
    assert "secret-in-git" not in one.run("secrets", "set", "file:secrets/app").ended(Exit.OK).err
    (one.folder / "plain").mkdir()
    given(VALUE)
    assert "secret-in-git" in one.run("secrets", "set", "file:plain/app").ended(Exit.OK).err
    status = subprocess.run(["git", "-C", str(one.root), "status", "--porcelain", "-uall"], capture_output=True)
    assert b"secrets/app" not in status.stdout


def test_on_a_terminal_the_value_is_asked_for_twice_and_not_seen(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    answers = {"Value for file:secrets/app: ": f"{VALUE}\n", "Again: ": f"{VALUE}\n"}
    answer = talk(one.root, ["secrets", "set", "file:secrets/app"], answers)
    assert (answer.code, answer.echoed) == (0, False), answer.seen
    assert VALUE not in answer.seen
    assert (one.folder / "secrets/app").read_text() == VALUE


def test_on_a_terminal_a_slip_changes_nothing(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    answers = {"Value for file:secrets/app: ": f"{VALUE}\n", "Again: ": "other\n"}
    answer = talk(one.root, ["secrets", "set", "file:secrets/app"], answers)
    assert answer.code == Exit.USAGE
    assert "not the same" in answer.seen
    assert not (one.folder / "secrets").exists()


def test_a_key_that_is_pasted_on_a_terminal_is_taken_whole(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    answer = talk(one.root, ["secrets", "set", "file:secrets/key"], {"Value for file:secrets/key: ": KEY})
    assert answer.code == 0, answer.seen
    assert (one.folder / "secrets/key").read_text() == KEY
    assert KEY.splitlines()[3] not in answer.seen


def test_on_a_terminal_replacing_is_asked_about(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    one.add_file("secrets/app", "old")
    answer = talk(one.root, ["secrets", "set", "file:secrets/app"], {QUESTION: "no\n"})
    assert answer.code == 0
    assert "Nothing was changed." in answer.seen
    assert (one.folder / "secrets/app").read_text() == "old"


# -- get ----


def test_get_gives_every_byte_into_a_pipe(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    one.add_file("secrets/app", b"\xff\x00 canary\n\n")
    process = subprocess.run([*PROGRAM, "secrets", "get", "file:secrets/app"], cwd=one.root, capture_output=True)
    assert (process.stdout, process.stderr, process.returncode) == (b"\xff\x00 canary\n\n", b"", 0)


def test_get_reads_every_scheme(one: ProjectFolder, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    one.config("postmaster: a@b.example")
    memory.set_password("pmtaform", "x", VALUE)
    monkeypatch.setenv("PMTAFORM_TEST", VALUE)
    one.add_file("app", VALUE)
    for reference in ("keyring:x", "x", "env:PMTAFORM_TEST", "file:app", "command:cat app"):
        assert one.run("secrets", "get", reference).ended(Exit.OK).out == VALUE


def test_get_as_json(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    one.add_file("text", "v\n")
    one.add_file("bytes", b"\xff")
    text = one.run("secrets", "get", "file:text", "--format", "json").ended(Exit.OK).json()
    assert text == {"format": 1, "kind": "pmtaform-secret", "reference": "file:text", "value": "v\n"}
    binary = one.run("secrets", "get", "file:bytes", "--format", "json").json()
    assert base64.b64decode(binary["value_base64"]) == b"\xff"


def test_a_terminal_sees_a_secret_only_with_show(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    one.add_file("app", VALUE)
    refused = talk(one.root, ["secrets", "get", "file:app", "--format", "json"], {})
    assert refused.code == Exit.USAGE
    assert "--show" in refused.seen
    assert VALUE not in refused.seen
    shown = talk(one.root, ["secrets", "get", "file:app", "--show"], {})
    assert (shown.code, shown.seen) == (0, f"{VALUE}\n")


# -- delete ----


def test_delete_asks_and_says_what_needs_it(one: ProjectFolder) -> None:
    one.config("smtp-user: {app: {password: {secret: 'file:secrets/app'}}}")
    path = one.add_file("secrets/app", VALUE)
    kept_on = talk(one.root, ["secrets", "delete", "file:secrets/app"], {QUESTION: "no\n"})
    assert 'Stack "fleet" needs it for smtp-user app: password.' in kept_on.seen
    assert path.exists()
    assert talk(one.root, ["secrets", "delete", "file:secrets/app"], {QUESTION: "yes\n"}).code == 0
    assert not path.exists()


def test_delete_in_a_pipeline_needs_approval(one: ProjectFolder, memory: MemoryKeyring, given: object) -> None:
    one.config("postmaster: a@b.example")
    memory.set_password("pmtaform", "x", VALUE)
    given("")  # type: ignore[operator]
    for more in ((), ("--format", "json")):
        assert "Add --auto-approve." in one.run("secrets", "delete", "x", *more).ended(Exit.USAGE).words
    result = one.run("secrets", "delete", "x", "fleet", "--auto-approve", "--format", "json").ended(Exit.OK)
    assert result.json()["done"] == "deleted"
    assert kept(memory) == {}
    assert "no-such-secret" in one.run("secrets", "delete", "x", "--auto-approve").ended(Exit.ERROR).err


# -- leaving ----


def test_ctrl_c_ends_the_program_that_is_asked(one: ProjectFolder) -> None:
    one.config("http-api-key: {secret: \"command:sh -c 'echo $$ >asked; exec sleep 1000'\"}")
    asked = one.folder / "asked"
    with one.start("secrets", "check") as process:
        until(lambda: asked.exists() and asked.read_text().endswith("\n"), process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err.strip()) == (Exit.INTERRUPTED, "pmtaform: interrupted.")
    until(lambda: ended(int(asked.read_text())))


def ended(number: int) -> bool:
    """Whether a process has ended; one that no one has waited for yet has, too."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


# -- list and check ----

EVERYTHING = """
    http-api-key: {secret: "env:API"}
    smtp-user: {app: {password: {secret: "keyring:smtp/app"}}}
"""
KEYS = 'dkim-keys: {example.com/s1: {private-key: "file:keys/s1.pem"}}'


def test_list_tells_every_use_and_looks_nothing_up(one: ProjectFolder, memory: MemoryKeyring) -> None:
    one.config(EVERYTHING, KEYS)
    result = one.run("secrets", "list", "fleet").ended(Exit.OK)
    rows = [line.split("  ") for line in result.out.splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["env:API", "http-api-key", "mta1", "stacks/fleet/stack.yaml:5:26"],
        ["keyring:smtp/app", "smtp-user app: password", "mta1", "stacks/fleet/stack.yaml:6:40"],
        ["file:keys/s1.pem", "dkim-key example.com/s1: private-key", "mta1", "stacks/fleet/stack.yaml:7:43"],
    ]
    assert memory.asked == 0


def test_list_as_json(one: ProjectFolder) -> None:
    one.config(EVERYTHING)
    document = one.run("secrets", "list", "--format", "json").ended(Exit.OK).json()
    assert (document["kind"], document["stack"]) == ("pmtaform-secrets", "fleet")
    assert document["secrets"][1] == {
        "reference": "keyring:smtp/app",
        "scheme": "keyring",
        "what": "smtp-user app: password",
        "purpose": "directive",
        "hosts": ["mta1"],
        "place": {"file": "stacks/fleet/stack.yaml", "line": 6, "column": 40},
    }


def test_a_stack_without_secrets(one: ProjectFolder) -> None:
    one.config("postmaster: a@b.example")
    for command in ("list", "check"):
        assert one.run("secrets", command).ended(Exit.OK).out == "The stack refers to no secret.\n"


def test_check_is_content_when_all_can_be_had(
    one: ProjectFolder, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.config(EVERYTHING, KEYS)
    memory.set_password("pmtaform", "smtp/app", VALUE)
    monkeypatch.setenv("API", "k" * 40)
    one.add_file("keys/s1.pem", KEY)
    result = one.run("secrets", "check").ended(Exit.OK)
    assert [line.split()[0] for line in result.out.splitlines()] == ["ok", "ok", "ok", "3"]
    assert "RSA 2048, mode 0600" in result.out
    assert result.err == ""


def test_check_says_what_is_wrong_with_each_in_its_provider_s_words(
    one: ProjectFolder, memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API", raising=False)
    one.config(EVERYTHING, KEYS)
    one.add_file("keys/s1.pem", KEY, mode=0o644)
    result = one.run("secrets", "check").ended(Exit.ERROR)
    assert result.out.count("FAILED") == 3
    for words in ("API is not set", 'there is no entry "smtp/app"', "its mode is 0644", "stack.yaml:6:40: error"):
        assert words in result.words
    document = one.run("secrets", "check", "--format", "json").ended(Exit.ERROR).json()["secrets"]
    assert [row["ok"] for row in document] == [False] * 3
    assert {finding["code"] for row in document for finding in row["findings"]} == {"secret-unavailable"}


def test_check_looks_each_reference_up_once(one: ProjectFolder, memory: MemoryKeyring) -> None:
    one.add_host("mta2")
    memory.set_password("pmtaform", "x", "k" * 40)
    users = ", ".join(f"u{n}: {{password: {{secret: 'keyring:x'}}}}" for n in range(20))
    one.config(f"smtp-user: {{{users}}}")
    assert "20 uses of secrets: 20 ok" in one.run("secrets", "check").ended(Exit.OK).out
    assert memory.asked == 1


def test_a_locked_keyring_is_waited_for_once(
    one: ProjectFolder, use_keyring: UseKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = HangingKeyring()
    use_keyring(backend)
    monkeypatch.setattr("pmtaform.secrets.resolver.DEADLINE", 0.05)
    monkeypatch.setattr("pmtaform.secrets.Resolver.__init__.__kwdefaults__", {"providers": None, "deadline": 0.05})
    users = ", ".join(f"u{n}: {{password: {{secret: 'keyring:{n}'}}}}" for n in range(20))
    one.config(f"smtp-user: {{{users}}}")
    try:
        result = one.run("secrets", "check").ended(Exit.ERROR)
    finally:
        backend.let_go.set()
    assert "it may be locked" in result.words
    assert backend.asked == 1


def checked_key(project: ProjectFolder, content: str) -> CommandResult:
    project.config("", KEYS)
    project.add_file("keys/s1.pem", content)
    return project.run("secrets", "check")


def ec_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


UNFIT = {
    "no key": (lambda: VALUE, "it is not in PEM form"),
    "a damaged one": (lambda: KEY.replace(KEY.splitlines()[4], KEY.splitlines()[4][:-9]), "is not a valid key"),
    "a locked one": (lambda: locked_pem(load_private_key(KEY.encode()), b"pw").decode(), "it needs a passphrase"),
    "two": (lambda: KEY + SHORT, "several private keys"),
    "one of another type": (ec_key, "rsa-sha1 and rsa-sha256 only"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_private_key_that_is_of_no_use_is_refused(one: ProjectFolder, kind: str) -> None:
    content, says = UNFIT[kind]
    result = checked_key(one, content())
    result.ended(Exit.ERROR)
    assert says in result.words
    assert VALUE not in result.all


def test_a_key_in_openssh_form_is_taken_as_a_plan_takes_it(one: ProjectFolder) -> None:
    result = checked_key(one, signing_keys.pem(form=signing_keys.FORMATS.OpenSSH).decode()).ended(Exit.OK)
    assert "RSA 2048" in result.out
    assert "RSA 2048" in one.plan().ended(Exit.OK).out


def test_a_key_under_1024_bits_is_refused(one: ProjectFolder) -> None:
    assert (
        "reject signatures under 1024 bits" in checked_key(one, signing_keys.short().decode()).ended(Exit.ERROR).words
    )


def test_a_key_under_2048_bits_is_warned_about(one: ProjectFolder) -> None:
    result = checked_key(one, SHORT).ended(Exit.OK)
    assert "warning" in result.out
    assert "1024 bits are the least" in result.words


def test_a_locked_key_is_opened_with_the_passphrase_that_its_host_has_for_it(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One host's passphrase is not used for another host's key."""
    hosts = {}
    for name in ("mta1", "mta2"):
        project.add_file(f"{name}.pem", locked_pem(load_private_key(KEY.encode()), name.encode()))
        entry = {"private-key": f"file:{name}.pem", "passphrase": f"env:OPENS_{name.upper()}"}
        hosts[name] = {"dkim-keys": {"example.com/s1": entry}}
        monkeypatch.setenv(f"OPENS_{name.upper()}", name)
    project.stack(hosts=hosts)
    assert project.run("secrets", "check").ended(Exit.OK).out.count("RSA 2048") == 2
    monkeypatch.setenv("OPENS_MTA2", "wrong")
    assert "passphrase is not the key's" in project.run("secrets", "check").ended(Exit.ERROR).words


@pytest.mark.parametrize(
    ("made_with", "given_is", "code"),
    [("pw", "pw", Exit.OK), ("pw", "other", Exit.ERROR), ("", "pw", Exit.OK), (None, "pw", Exit.ERROR)],
)
def test_the_passphrase_of_an_ssh_key_is_tried_on_it(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, made_with: str | None, given_is: str, code: Exit
) -> None:
    monkeypatch.setenv("PHRASE", given_is)
    project.stack(hosts={"mta1": {"transport": "ssh", "identity-files": ["id"], "passphrase": "env:PHRASE"}}, root="/")
    if made_with is not None:
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", made_with, "-f", str(project.folder / "id")]
        subprocess.run(words, check=True)
    result = project.run("secrets", "check").ended(code)
    expected = {"pw": "opens id", "": "has no passphrase", None: "no such file"}[made_with]
    assert (expected if given_is == "pw" else "does not open it") in result.words


def test_a_value_that_powermta_may_not_take_is_remarked_without_being_cited(
    one: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.config("http-api-key: {secret: 'env:API'}")
    monkeypatch.setenv("API", VALUE)
    result = one.run("secrets", "check").ended(Exit.OK)
    assert "32 to 128 characters" in result.words
    monkeypatch.setenv("API", f"{VALUE} # {VALUE}")
    result = one.run("secrets", "check").ended(Exit.ERROR)
    assert "unsafe-secret" in result.err
    assert VALUE not in result.all


def test_secrets_come_from_a_real_pipe_and_go_into_one(one: ProjectFolder) -> None:
    """As a separate process, with a headless keyring that keeps a file."""
    one.config("postmaster: a@b.example")
    home = one.root / "home"
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "HOME": str(home),
        "XDG_DATA_HOME": str(home),
    }

    def run(*words: str, value: bytes = b"") -> bytes:
        command = [sys.executable, "-m", "pmtaform", "secrets", *words]
        process = subprocess.run(command, cwd=one.root, input=value, capture_output=True, env=environment, check=True)
        return process.stdout

    run("set", "smtp/app", value=VALUE.encode() + b"\n")
    assert run("get", "smtp/app") == VALUE.encode()
    assert VALUE.encode() not in b"".join(p.read_bytes() for p in one.root.rglob("stacks/**/*") if p.is_file())
