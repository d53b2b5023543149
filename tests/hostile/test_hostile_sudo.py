"""A sudo that logs its streams: `plan` reports it; for a sudo that does not, it reports nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostroot import HostRoot, make_host_root, never, spec_of

from pmtaform.host import Known, probe
from pmtaform.host.local import LocalSession
from pmtaform.inspection.notes import kept_by_sudo

LISTED = {
    "input and output": ("    env_reset, log_input, log_output, use_pty", {"log_input", "log_output"}),
    "input at the end": ("    env_reset,\n    log_input", {"log_input"}),
    "their own streams": ("    log_stdin, log_stdout", {"log_input", "log_output"}),
    "a tag of a command": ("User u may run:\n    (ALL) NOPASSWD: LOG_OUTPUT: ALL", {"log_output"}),
    "turned off": ("    !log_input, !log_output, env_reset", set()),
    "a tag that turns it off": ("    (ALL) NOPASSWD: NOLOG_INPUT: ALL", set()),
    "another word": ("    log_year, syslog=authpriv, iolog_dir=/var/log/log_inputs", set()),
    "nothing": ("", set()),
    "an answer without end": ("    x " * 100_000 + ", log_input", set()),
}


def look(root: HostRoot, folder: Path, listed: str, *, sudo: bool = True, user: str = "deploy") -> frozenset[str]:
    """What is known of sudo's log on a host where `sudo -l` says `listed`."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "listed").write_text(f"Matching Defaults entries for deploy on h:\n{listed}\n")
    (tools / "sudo").write_text(f'#!/bin/sh\necho "$*" >>{tools}/calls\ncat {tools}/listed\n')
    (tools / "sudo").chmod(0o755)
    spec = spec_of(root, sudo=sudo)
    environment = {"SUDO_USER": user, "PATH": f"{tools}:/usr/bin:/bin"}
    session = LocalSession(spec, ("sh",), environment)
    try:
        return probe(session, spec, Known(), never).sudo_log
    finally:
        session.close()


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


@pytest.mark.parametrize(("listed", "kept"), LISTED.values(), ids=LISTED)
def test_what_sudo_keeps_is_known(root: HostRoot, tmp_path: Path, listed: str, kept: set[str]) -> None:
    seen = look(root, tmp_path, listed)
    assert seen == kept
    assert (tmp_path / "tools/calls").read_text() == "-n -l -U deploy\n", "one program more, without a password"
    notes = kept_by_sudo(spec_of(root), seen)
    assert [note.code for note in notes] == (["sudo-keeps-log"] if kept else [])
    assert all(stream in notes[0].detail for stream in kept)


@pytest.mark.parametrize(("sudo", "user"), [(False, "deploy"), (True, "")])
def test_a_host_without_sudo_is_not_asked(root: HostRoot, tmp_path: Path, sudo: bool, user: str) -> None:
    assert look(root, tmp_path, "log_input", sudo=sudo, user=user) == frozenset()
    assert not (tmp_path / "tools/calls").exists()
