"""Canaries: secrets that are planted everywhere, and then looked for in everything that is kept or shown."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from projects import RUNS, ProjectFolder, Said
from signing_keys import pem

from pmtaform.errors import Exit

USER, AUTH, HAND, SSH = "canary-user-7f3a", "canary-auth-91bc", "canary-by-hand-55d0", "canary-ssh-c2e8"


class Watched:
    """A project whose secrets are known; keeps all that its commands put out."""

    def __init__(self, project: ProjectFolder, key: str) -> None:
        self.project = project
        lines = [line for line in key.splitlines() if not line.startswith("-----")]
        self.secrets = [USER, AUTH, HAND, SSH, lines[3], lines[-2]]
        self.secrets += [base64.b64encode(s.encode()).decode().rstrip("=") for s in (USER, AUTH, HAND, SSH)]
        self.said: list[Said] = []

    def run(self, *arguments: str) -> Said:
        self.said.append(self.project.run(*arguments))
        return self.said[-1]

    def leaks(self) -> list[str]:
        """Where a secret is that should not be there."""
        texts = {f"output of command {n}": said.all for n, said in enumerate(self.said)}
        root = self.project.root
        for path in [*root.glob("state/**/*"), *root.glob("*.json")]:
            if path.is_file():
                texts[str(path)] = path.read_text(errors="replace")
        return [f"{secret} in {where}" for where, text in texts.items() for secret in self.secrets if secret in text]


@pytest.fixture
def watched(live: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setenv("PMTAFORM_TEST_PASSWORD", SSH)
    made = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    live.host.put(f"{RUNS}<smtp-user ben>\n  password {HAND}\n</smtp-user>\n", mode=0o640)
    live.add_file("key.pem", made)
    live.stack(
        f"""
        config:
          postmaster: a@example.com
          smtp-user: {{anna: {{password: {USER}}}, ben: {{password: changed-{USER}}}}}
          domain: {{relay.example.com: {{auth-username: me, auth-password: {AUTH}}}}}
        dkim-keys: {{example.com/s1: {{private-key: file:key.pem}}}}
        """
    )
    return Watched(live, made.decode())


def test_no_secret_leaves_the_host_and_the_stack(watched: Watched) -> None:
    project = watched.project
    path = str(project.root / "plan.json")
    watched.run("validate").ended(Exit.OK)
    watched.run("render", "mta1").ended(Exit.OK)
    watched.run("plan", "--diff").ended(Exit.OK)
    watched.run("plan", "--format", "json", "--out", path).ended(Exit.OK)
    watched.run("show", path).ended(Exit.OK)
    project.host.fault("reload", "fail")
    watched.run("apply", path).ended(Exit.SOME_FAILED)
    watched.run("apply", "--auto-approve", "--diff").ended(Exit.OK)
    assert USER in project.host.read()
    assert AUTH in project.host.in_force
    for words in (("state", "list"), ("state", "show", "mta1"), ("rollback", "mta1", "--list")):
        watched.run(*words).ended(Exit.OK)
        watched.run(*words, "--format", "json").ended(Exit.OK)
    project.host.put(project.host.read().replace(f"    password {USER}", f"    password {HAND}"))
    for more in ((), ("--format", "json")):
        watched.run("drift", *more).ended(Exit.OK)
        watched.run("plan", *more).ended(Exit.OK)
    watched.run("apply", "--auto-approve").ended(Exit.OK)
    watched.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert watched.leaks() == []


def test_no_secret_is_in_an_error(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to fail while secrets are at hand; the trace of a bug as well."""
    project = watched.project
    text = (project.folder / "stack.yaml").read_text()
    failing = "private-key: \"command:sh -c 'echo $PMTAFORM_TEST_PASSWORD{}; exit 1'\""
    for bad in (
        text.replace(f"password: {USER}}}, ben", f"password: [{USER}, {AUTH}]}}, ben"),
        text.replace("auth-password:", "auth-pasword:"),
        text.replace("private-key: file:key.pem", f"private-key: {SSH}"),
        text.replace("private-key: file:key.pem", failing.format("")),
        text.replace("private-key: file:key.pem", failing.format(" >&2")),
        text.replace('"transport": "local"', f'"transport": "ssh", "password": "{SSH}"'),
        text.replace("password: changed", "password: '#changed"),
    ):
        (project.folder / "stack.yaml").write_text(bad)
        assert watched.run("plan").code not in (Exit.OK, Exit.CHANGES)
    (project.folder / "stack.yaml").write_text(text)
    for command in ("test config", "reload"):
        project.host.fault(command, "fail", message=f"Error in line 3 of /etc/pmta/config: password {USER}")
        assert "/etc/pmta/config: password" in watched.run("apply", "--auto-approve").ended(Exit.SOME_FAILED).words
    monkeypatch.setenv("PMTAFORM_TRACEBACK", "1")
    monkeypatch.setattr("pmtaform.rollout.transactions.transaction", broken)
    watched.run("apply", "--auto-approve").ended(Exit.ERROR)
    assert watched.leaks() == []


def broken(*_: object) -> None:
    raise ZeroDivisionError


def test_what_the_host_keeps_is_closed_to_others(watched: Watched) -> None:
    project = watched.project
    watched.run("apply", "--auto-approve").ended(Exit.OK)
    ours = project.host.at("/var/lib/pmtaform")
    found = [ours, *ours.rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in found} == {0}
    kept = [p for p in found if p.is_file() and HAND in p.read_text(errors="replace")]
    assert kept, "the old configuration is kept, to go back to"
    results = "".join(p.read_text() for p in (ours / "results").iterdir())
    for secret in watched.secrets:
        assert secret not in results


def test_secrets_of_connections_are_not_in_the_process_list_or_the_environment_of_the_host(
    one: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the host's programs are called with: no argument and no variable holds a secret."""
    key = pem().decode()
    monkeypatch.setenv("PMTAFORM_TEST_KEY", key)
    spy = one.host.at("/usr/sbin/pmta")
    log = one.host.root / "spied"
    one.host.put(
        f'#!/bin/sh\n{{ tr "\\0" " " </proc/$PPID/cmdline; echo "$@"; }} >>{log}\n'
        "case $1 in reload) echo 'Configuration reloaded.' ;; show) echo 'status running v5.0r1' ;; esac\n",
        "/usr/sbin/pmta",
        0o755,
    )
    assert spy.exists()
    one.stack(
        f"config: {{smtp-user: {{anna: {{password: {USER}}}}}}}\n"
        "dkim-keys: {example.com/s1: {private-key: env:PMTAFORM_TEST_KEY}}\n"
    )
    one.apply().ended(Exit.OK)
    spied = log.read_text()
    assert "reload" in spied
    assert "canary" not in spied
    assert key.splitlines()[1] not in spied


def test_a_plan_cannot_be_used_to_guess_a_password(one: ProjectFolder) -> None:
    """Digests are keyed: the same content gives another digest under another key."""
    import hashlib

    one.config(f"smtp-user: {{anna: {{password: {USER}}}}}")
    plan = Path(one.save_plan())
    one.apply().ended(Exit.OK)
    content = one.host.config.read_bytes()
    guessed = {hashlib.sha256(content).hexdigest(), hashlib.sha256(RUNS.encode()).hexdigest()}
    kept = plan.read_text() + one.state_file.read_text()
    assert not [digest for digest in guessed if digest in kept]
    salted = set(json.loads(plan.read_text())["hosts"][0]["basis"].values())
    (one.root / "state/fleet.key").unlink()
    one.state_file.unlink()
    one.host.put(RUNS)
    assert salted.isdisjoint(json.loads(Path(one.save_plan()).read_text())["hosts"][0]["basis"].values())
