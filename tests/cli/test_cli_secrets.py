"""What a host keeps is closed to others, and no program, argument or digest tells a secret.

The search for planted secrets in all that commands leave is `tests/secrets/test_secrets_canaries.py`.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from projects import RUNS, ProjectFolder
from signing_keys import another, pem

from pmtaform.diagnostics import Exit

KEYS = [another().decode() for _ in "ab"]
USER, HAND = "canary-user-7f3a", "canary-by-hand-55d0"


def test_what_the_host_keeps_is_closed_to_others(one: ProjectFolder) -> None:
    one.host.put(f"{RUNS}<smtp-user ben>\n  password {HAND}\n</smtp-user>\n", mode=0o640)
    one.add_file("ben", f"changed-{USER}")
    one.add_file("anna", USER)
    one.config("smtp-user: {anna: {password: {secret: file:anna}}, ben: {password: {secret: file:ben}}}")
    one.apply("--allow", "submission-cut-off").ended(Exit.OK)
    ours = one.host.at("/var/lib/pmtaform")
    items = [ours, *ours.rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in items} == {0}
    kept = [p for p in items if p.is_file() and HAND in p.read_text(errors="replace")]
    assert kept, "the old configuration is kept, for a rollback"
    results = "".join(p.read_text() for p in (ours / "results").iterdir())
    assert USER not in results
    assert HAND not in results


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
    one.add_file("anna", USER)
    one.stack(
        "config: {smtp-user: {anna: {password: {secret: file:anna}}}}\n"
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

    one.add_file("anna", USER)
    one.config("smtp-user: {anna: {password: {secret: file:anna}}}")
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


def test_a_new_key_in_the_stack_is_reported_from_one_on_the_host(one: ProjectFolder) -> None:
    """Both are reported without the key; a key that someone put on the host is drift, one from the stack is not."""
    one.config("", "dkim-keys: {example.com/s1: {private-key: 'file:key.pem'}}")
    path = "/etc/pmta/dkim/s1.example.com.pem"
    for n, content in enumerate(KEYS):
        one.add_file("key.pem", content)
        result = one.plan().ended(Exit.OK)
        assert "drift: " not in result.words
        assert ("private-key RSA 1024 (another key) -> RSA 1024 (file:key.pem)" in result.words) == (n > 0)
        one.apply("--allow", "signing-key-replaced").ended(Exit.OK)
        assert one.host.read(path) == content
    one.host.put(KEYS[0], path, 0o600)
    result = one.plan().ended(Exit.OK)
    assert "drift: changed on the host since the last apply" in result.words
    secret = [line for line in "".join(KEYS).splitlines() if not line.startswith("-----")]
    assert not [line for line in secret if line in result.all]
