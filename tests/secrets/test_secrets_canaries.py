"""Canaries: a secret in every place that takes one, by every scheme, and no trace of any in what commands leave."""

from __future__ import annotations

import base64
import errno
import io
import logging
import os
import shlex
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from canaries import BY_HAND, CONNECTION, SCHEMES, Canaries, Records, key_text, no_key, plant_all
from keyring.backend import KeyringBackend
from keyrings.alt.file import PlaintextKeyring
from projects import ProjectFolder

from pmtaform.cli.app import COMMANDS as REGISTERED
from pmtaform.diagnostics import Exit

UseKeyring = Callable[[KeyringBackend], None]


@pytest.fixture
def schemes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Those that have a host. All of them, in every place, are for `test_no_command_leaves_a_secret`."""
    return getattr(request, "param", ("env", "file"))


@pytest.fixture
def canaries(
    project: ProjectFolder,
    monkeypatch: pytest.MonkeyPatch,
    use_keyring: UseKeyring,
    schemes: tuple[str, ...],
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Canaries]:
    """The project, with a keyring that is a file; whatever is logged is kept, and temporary files are in it."""
    for variable, folder in {
        "HOME": "home",
        "XDG_DATA_HOME": "home",
        "XDG_CONFIG_HOME": "home",
        "TMPDIR": "tmp",
    }.items():
        (project.root / folder).mkdir(exist_ok=True)
        monkeypatch.setenv(variable, str(project.root / folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("PMTAFORM_TRACEBACK", "1")
    monkeypatch.setattr(tempfile, "tempdir", None)
    use_keyring(PlaintextKeyring())
    made = plant_all(project, monkeypatch, schemes)
    made.aside = lambda: "".join(capfd.readouterr())
    root, handler = logging.getLogger(), Records(made)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    yield made
    root.removeHandler(handler)


KEY_FILE = "file-dkim-keys-example-com-s1-private-key"

# What is done, in this order: the words, and the exit codes that it may end with.
COMMANDS: tuple[tuple[str, Exit], ...] = (
    ("validate", Exit.OK),
    ("validate --format json", Exit.OK),
    ("render env", Exit.OK),
    ("render command --file /etc/pmta/config", Exit.OK),
    ("schema", Exit.OK),
    ("fmt {host} --diff", Exit.OK),
    ("plan", Exit.OK),
    ("plan --diff --effective", Exit.OK),
    ("plan --format json --diff --effective --out {root}/plan.json", Exit.OK),
    ("show {root}/plan.json", Exit.OK),
    ("show {root}/plan.json --format json", Exit.OK),
    ("apply {root}/plan.json --diff", Exit.OK),
    ("plan --detailed-exitcode", Exit.OK),
    ("hosts", Exit.OK),
    ("hosts --format json", Exit.OK),
    ("history", Exit.OK),
    ("history env --live --format json", Exit.OK),
    ("recover", Exit.OK),
    ("dns records", Exit.OK),
    ("dkim list --offline", Exit.OK),
    ("dkim record --format json", Exit.OK),
    ("drift", Exit.OK),
    ("drift --format json", Exit.OK),
    ("state list", Exit.OK),
    ("state show env --format json", Exit.OK),
    ("lint", Exit.OK),
    ("lint --host env --format json", Exit.ERROR),
    ("explain env smtp-user[app]", Exit.OK),
    ("explain --why env:domain[relay.example.com] --format json", Exit.OK),
    ("effective env --domain relay.example.com --format json", Exit.OK),
    ("effective env --all", Exit.OK),
    ("diff env file --effective", Exit.OK),
    ("diff env keyring --format json", Exit.OK),
    ("dkim list --offline --format json", Exit.OK),
    (f"dkim import {{secrets}}/{KEY_FILE} example.com/s2 --to file:secrets/s2", Exit.OK),
    ("dkim import {secrets}/file-config-http-api-key example.com/s3 --to file:secrets/s3", Exit.INVALID),
    ("secrets list", Exit.OK),
    ("secrets list --format json", Exit.OK),
    ("secrets check", Exit.OK),
    ("secrets check --format json", Exit.OK),
    ("rollback env --list --format json", Exit.OK),
    ("rollback env --auto-approve", Exit.OK),
    ("apply --auto-approve", Exit.OK),
    ("dkim rotate --as-of 2026-12-31", Exit.USAGE),
    ("unlock", Exit.OK),
    ("warm status --format json", Exit.OK),
    ("warm stop", Exit.OK),
    ("providers --format json", Exit.OK),
    ("replies 550 --config env --format json", Exit.OK),
    ("init another", Exit.OK),
)


def test_every_command_is_looked_at() -> None:
    """`import` has a separate test, since it makes stacks."""
    assert {words.split()[0] for words, _ in COMMANDS} == set(REGISTERED) - {"import"}


@pytest.mark.parametrize("schemes", [SCHEMES], indirect=True, ids=["every-scheme"])
def test_no_command_leaves_a_secret(canaries: Canaries) -> None:
    for words, code in COMMANDS:
        paths = {"root": canaries.project.root, "host": canaries.env.config}
        canaries.run(*words.format(secrets=canaries.project.folder / "secrets", **paths).split()).ended(code)
    written = "".join(text for host in canaries.project.hosts.values() for text in host.contents().values())
    assert [where for secret, where in canaries.planted.items() if secret not in written] == [BY_HAND], "not used"
    spied = canaries.spied.read_text()
    for seen in ("called: reload", "sh spy.sh secrets/command-config-http-api-key", "PATH="):
        assert seen in spied, "the spies saw nothing"
    assert canaries.leaks() == []


def given_by_hand(canaries: Canaries) -> str:
    """The password that the stack gives to the user `hand` of the host `env`."""
    return next(s for s, where in canaries.planted.items() if where == "the new password of `hand` (env)")


def test_a_password_that_was_changed_by_hand_is_drift_and_not_shown(canaries: Canaries) -> None:
    changed = canaries.canary("changed by hand")
    canaries.run("apply", "--auto-approve", "--diff", "--host", "env").ended(Exit.OK)
    canaries.env.put(canaries.env.read().replace(given_by_hand(canaries), changed))
    for words in ("drift", "drift --format json", "plan --diff", "plan --format json", "hosts"):
        assert "smtp-user[hand]" in canaries.run(*words.split(), "--host", "env").all or words == "hosts"
    canaries.run("apply", "--auto-approve", "--host", "env", "--format", "json").ended(Exit.OK)
    canaries.run("rollback", "env", "--auto-approve").ended(Exit.OK)
    assert changed in canaries.env.read()
    assert canaries.leaks() == []


@dataclass(frozen=True)
class Wrong:
    """A way to fail with secrets at hand: what becomes of the project, what is run, and what is stated of it.

    `edit` replaces a text of the stack; `CANARY` in it is a secret that is planted nowhere else.
    """

    says: str
    edit: tuple[str, str] = ("", "")
    run: tuple[str, ...] = ("plan",)
    spoil: Callable[[Canaries], object] | None = None


HAND = "{secret: 'env:PMTAFORM_TEST_ENV_THE_NEW_PASSWORD_OF_HAND_'}"


def reference(text: str) -> tuple[str, str]:
    """The edit that has the password of `hand` come from elsewhere."""
    return HAND, "{secret: " + repr(text) + "}"


WRONG = {
    "no such variable": Wrong("is not set", reference("env:PMTAFORM_TEST_NONE"), ("plan", "secrets check", "apply")),
    "no such entry": Wrong("there is no entry", reference("keyring:none"), ("plan", "secrets check")),
    "a command that prints it and fails": Wrong(
        "failed with exit code 3",
        reference("command:sh -c 'cat secrets/lone; cat secrets/lone >&2; exit 3'"),
        ("plan", "secrets check", "secrets get \"command:sh -c 'cat secrets/lone >&2; exit 3'\""),
    ),
    "a file that others may read": Wrong(
        "its mode is 0644",
        reference("file:secrets/open"),
        ("plan", "secrets check", "secrets get file:secrets/open"),
        lambda canaries: canaries.project.add_file("secrets/open", canaries.canary("an open file"), 0o644),
    ),
    "one that cannot be a value": Wrong(
        "unsafe-secret",
        reference("file:secrets/hash"),
        ("plan", "secrets check"),
        lambda canaries: canaries.project.add_file("secrets/hash", "a # " + canaries.canary("with a #")),
    ),
    "a key that is none": Wrong(
        "dkim-key",
        ("file:secrets/file-dkim-keys-example-com-s1-private-key", "file:secrets/none"),
        ("secrets check", "secrets check --format json"),
        lambda canaries: canaries.project.add_file("secrets/none", no_key(canaries.canary("no key"))),
    ),
    "a key that is cut": Wrong(
        "dkim-key",
        ("file:secrets/file-dkim-keys-example-com-s1-private-key", "file:secrets/cut"),
        ("secrets check",),
        lambda canaries: canaries.project.add_file("secrets/cut", key_text()[:900] + "\n-----END PRIVATE KEY-----\n"),
    ),
    "a value for a reference": Wrong("secret-in-clear", reference("CANARY"), ("validate", "plan", "secrets list")),
    "a value for a key": Wrong(
        "secret-in-clear", ("file:secrets/file-dkim-keys-example-com-s1-private-key", "CANARY"), ("validate", "plan")
    ),
    "a misspelt scheme": Wrong(
        'Did you mean "keyring"?', reference("keyrng:CANARY"), ("validate", "plan", "secrets check")
    ),
    "a list": Wrong("repeated-directive", (HAND, "[CANARY, more]"), ("validate", "plan")),
    "a mapping": Wrong("value-shape", (HAND, "{secret: 'env:X', value: CANARY}"), ("validate", "plan")),
    "a misspelt directive": Wrong("unknown", (f"password: {HAND}", "pasword: CANARY"), ("validate", "plan")),
    "two lines": Wrong("line break", (HAND, '"a\\nCANARY"'), ("validate", "plan")),
    "a remark": Wrong("unsafe-value", (HAND, "'a # CANARY'"), ("validate", "plan")),
    "broken YAML": Wrong("yaml", (HAND, '"CANARY'), ("validate", "plan", "secrets list", "secrets check")),
    "a value in clear": Wrong("secret-in-clear", (HAND, "CANARY"), ("validate", "plan --diff", "lint")),
    "native text": Wrong(
        "plain-text-secret",
        ("config:", "native: [secrets/native]\nconfig:"),
        ("validate", "plan --diff", "lint"),
        lambda canaries: canaries.project.add_file(
            "secrets/native", f"<domain n.example.com>\nauth-password {canaries.canary('native')}\n</domain>\n"
        ),
    ),
    "a login password in clear": Wrong(
        "secret-in-clear",
        ("hosts:", "ssh: {password: CANARY, sudo: {password: CANARY}, passphrase: CANARY}\nhosts:\n  far: {}"),
    ),
}


@pytest.fixture
def lone(canaries: Canaries) -> str:
    """A secret in a place where none belongs."""
    made = canaries.canary("where no secret belongs")
    canaries.project.add_file("secrets/lone", made)
    return made


def test_no_error_tells_a_secret(canaries: Canaries, lone: str) -> None:
    project = canaries.project
    path = project.folder / "stack.yaml"
    text = path.read_text()
    assert text.count(HAND) == 1
    for name, wrong in WRONG.items():
        if wrong.spoil:
            wrong.spoil(canaries)
        assert wrong.edit[0] in text
        path.write_text(text.replace(*wrong.edit, 1).replace("CANARY", lone))
        for words in wrong.run:
            result = canaries.run(*shlex.split(words))
            assert wrong.says in result.words, f"{name}: {words}: {result.code}: {result.all}"
        path.write_text(text)
    assert canaries.leaks() == []


# What the stand-in says when it takes no configuration; PowerMTA's own words are not documented.
REFUSALS = (
    "Error in line 7 of /etc/pmta/config: password {}",
    "/etc/pmta/config: 7: bad directive: auth-password {} (unexpected)",
    'invalid value "{}"',
    "syntax error near {}",
)


def given_secret(canaries: Canaries) -> str:
    """One that the host is given in its configuration."""
    return next(secret for secret, where in canaries.planted.items() if where == "config|smtp-user|app|password (env)")


def assert_only_the_host_has(canaries: Canaries) -> None:
    """What PowerMTA said is in the host's own record, as it said it, where root alone may read; and nowhere else."""
    ours = "/hosts/env/var/lib/pmtaform/"
    assert [leak for leak in canaries.leaks() if ours not in leak] == []
    record = [canaries.env.at("/var/lib/pmtaform"), *canaries.env.at("/var/lib/pmtaform").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in record} == {0}


@pytest.mark.parametrize("command", ["test config", "reload"])
def test_what_powermta_says_is_reported_without_the_secrets_that_it_was_given(canaries: Canaries, command: str) -> None:
    secret = given_secret(canaries)
    for refusal in REFUSALS:
        for more in ((), ("--format", "json")) if refusal == REFUSALS[0] else ((),):
            canaries.refuse(command, refusal.format(secret))
            result = canaries.run("apply", "--auto-approve", "--host", "env", *more).ended(Exit.SOME_FAILED)
            assert refusal.partition("{}")[0].split()[0].strip(":") in result.words, "PowerMTA's answer is reported"
    canaries.run("history", "env", "--live", "--format", "json").ended(Exit.OK)
    assert_only_the_host_has(canaries)


def test_a_host_that_stays_in_the_middle_is_reported_without_secrets(canaries: Canaries) -> None:
    """PowerMTA rejects the change and the old files, and prints a password each time, to every later command."""
    canaries.refuse("reload", REFUSALS[0].format(given_secret(canaries)), always=True)
    canaries.run("apply", "--auto-approve", "--host", "env").ended(Exit.SOME_FAILED)
    for words in ("plan", "hosts", "history env --live", "recover env", "recover env --revert", "drift"):
        canaries.run(*words.split())
    canaries.env.at("/usr/sbin/pmta.reload").unlink()
    assert_only_the_host_has(canaries)


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_a_bug_shows_its_trace_without_secrets(canaries: Canaries) -> None:
    canaries.patch.setattr("pmtaform.rollout.transactions.transaction", broken)
    result = canaries.run("apply", "--auto-approve").ended(Exit.ERROR)
    assert "Traceback" in result.err
    assert "ZeroDivisionError" in result.err
    assert canaries.leaks() == []


def test_a_host_that_cannot_be_reached_is_reported_no_secret(canaries: Canaries) -> None:
    """Passwords by every scheme, for a port that no one listens on, and for a server that wants another login."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hosts = {}
        for scheme in SCHEMES:
            hosts[scheme] = {"transport": "ssh", "root": "/", "address": "127.0.0.1", "port": closed.getsockname()[1]}
            for place in CONNECTION:
                place.write(hosts[scheme], canaries.plant(scheme, place.path))
        canaries.project.stack("config: {postmaster: a@b.example}", hosts=hosts)
        for words in ("plan", "apply --auto-approve", "drift --format json", "rollback env --list"):
            canaries.run(*words.split()).ended(Exit.UNREACHABLE)
    assert "4 uses" not in canaries.run("secrets", "check").out
    assert canaries.leaks() == []


def test_files_that_are_damaged_or_in_the_way_tell_no_secret(canaries: Canaries) -> None:
    root = canaries.project.root
    plan = root / "plan.json"
    canaries.run("plan", "--out", str(plan)).ended(Exit.OK)
    whole = plan.read_text()
    for damaged in (whole[: len(whole) // 2], whole.replace('"format"', '"fromat"'), "{}", ""):
        plan.write_text(damaged)
        for command in ("show", "apply"):
            assert canaries.run(command, str(plan)).code not in (Exit.OK, Exit.CHANGES)
    canaries.run("apply", "--auto-approve").ended(Exit.OK)
    state = canaries.project.state_file
    state.write_text(state.read_text()[:-40])
    for words in ("plan", "apply --auto-approve", "state list"):
        assert canaries.run(*words.split()).code not in (Exit.OK, Exit.CHANGES)
    shutil.rmtree(root / "state")
    (root / "state").write_text("in the way")
    assert canaries.run("apply", "--auto-approve").code not in (Exit.OK, Exit.CHANGES)
    assert canaries.leaks() == []


def test_a_disk_that_is_full_tells_no_secret(canaries: Canaries) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    canaries.patch.setattr("pmtaform.writing.os.fsync", full)
    for words in ("plan --out {}/plan.json", "apply --auto-approve"):
        assert canaries.run(*words.format(canaries.project.root).split()).code == Exit.ERROR
    assert canaries.leaks() == []


def test_a_server_s_secrets_are_taken_in_and_not_shown(canaries: Canaries) -> None:
    canaries.run("apply", "--auto-approve").ended(Exit.OK)
    env = str(canaries.env.root)
    for name, more in {"a": "", "b": "--as native", "c": "--secrets keyring --keys file", "d": "--secrets env"}.items():
        canaries.run("import", name, "--from", env, *more.split()).ended(Exit.OK)
    assert canaries.leaks() == []


def test_a_key_that_is_made_is_not_reported(canaries: Canaries) -> None:
    kept = ("file:secrets/s2", "keyring:s3", "file:secrets/s4")
    for n, reference in enumerate((*kept, "file:/dev/null/none")):
        more = ("--format", "json") if n % 2 else ()
        canaries.run("dkim", "generate", f"made.example.com/s{n}", "--to", reference, *more)
    for reference in kept:
        made = canaries.project.run("secrets", "get", reference).ended(Exit.OK).out
        private = made.splitlines()[7:-1]  # the modulus, which stands first, is in the record as well
        canaries.planted.update(dict.fromkeys(private, f"made for {reference}"))
    assert canaries.leaks() == []


def test_the_values_that_are_set_and_deleted_are_not_reported(canaries: Canaries) -> None:
    for n, reference in enumerate(("keyring:new", "file:secrets/new", "new2", "env:NEW", "command:pass new", "file:/")):
        value = canaries.canary(f"set as {reference}")
        canaries.patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(value.encode())))
        canaries.run("secrets", "set", reference, "--overwrite").ended(Exit.OK if n < 3 else Exit.ERROR)
        for words in ((value, value), (reference, value), (value, reference), (value, value, value)):
            for command in ("set", "get", "delete"):
                assert canaries.run("secrets", command, *words).code in (Exit.USAGE, Exit.INVALID)
    for reference in ("keyring:new", "file:secrets/new", "new2"):
        canaries.run("secrets", "delete", reference, "--auto-approve").ended(Exit.OK)
    assert canaries.leaks() == []


def test_keys_that_are_verified_on_hosts_are_not_reported(canaries: Canaries) -> None:
    canaries.patch.setattr("pmtaform.dns.live.system_servers", lambda: ())
    canaries.run("apply", "--auto-approve").ended(Exit.OK)
    for more in ("", "--format json", "--host env"):
        canaries.run("dkim", "verify", *more.split()).ended(Exit.UNREACHABLE)
    assert any(b"stack yes" in result for result in canaries.seen.values()), "no key was compared"
    assert canaries.leaks() == []


def test_processes_of_their_own_leave_no_secret(canaries: Canaries) -> None:
    """As people run it: what is on the command line, in the trace and in the environment of others."""
    canaries.refuse("reload", REFUSALS[0].format(given_secret(canaries)))
    for words, code in (("plan --diff --out plan.json", Exit.OK), ("apply plan.json", Exit.SOME_FAILED)):
        process = canaries.run_apart(*words.split())
        assert process.returncode == code, process.stderr.decode()
    assert "pmtaform apply plan.json" in canaries.spied.read_text()
    assert_only_the_host_has(canaries)


# -- the search itself ----


LEAKS: dict[str, Callable[[Canaries, str], object]] = {
    "a file": lambda canaries, secret: (
        (canaries.project.root / "state").mkdir() or (canaries.project.root / "state/journal").write_text(f"…{secret}…")
    ),
    "a temporary file": lambda canaries, secret: (canaries.project.root / "tmp/x").write_text(secret),
    "a result on a host": lambda canaries, secret: canaries.env.put(secret, "/var/lib/pmtaform/results/1"),
    "base64": lambda canaries, secret: canaries.seen.update(base64=base64.b64encode(f"ab{secret}c".encode())),
    "hex": lambda canaries, secret: canaries.seen.update(hex=secret.encode().hex().encode()),
    "a program's own output": lambda _, secret: os.write(2, secret.encode()),
    "a log record": lambda _, secret: logging.getLogger("x").debug("%s", secret),
    "an argument": lambda canaries, secret: canaries.run("secrets", "get", f"command:sh spy.sh secrets/{secret}"),
    "a key": lambda canaries, _: canaries.seen.update(key=key_text()[900:1300].encode()),
}


def test_a_leak_would_be_found(canaries: Canaries, lone: str) -> None:
    items: list[str] = []
    for name, leak in LEAKS.items():
        assert canaries.leaks() == items
        leak(canaries, lone)
        assert len(canaries.leaks()) > len(items), name
        items = canaries.leaks()
