"""A reader of the output never decides what is done, nor the exit code: readers that stop after some lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from projects import PROGRAM, ProjectFolder, pairs

from pmtaform.diagnostics import Exit

# What happens to the streams of the command whose output `head` reads.
STREAMS = {"both streams": "2>&1", "standard output": "2>/dev/null", "standard error": "2>&1 >/dev/null"}


def read_only(project: ProjectFolder, command: str, lines: int, streams: str) -> int:
    """Run a command whose reader stops after some lines; return its exit code."""
    script = f'{{ "$@" {command} {STREAMS[streams]}; echo $? >code; }} | head -n {lines} >/dev/null'
    subprocess.run(["bash", "-c", script, "bash", *PROGRAM], cwd=project.root, check=True)
    return int((project.root / "code").read_text())


@pytest.mark.parametrize(("lines", "streams"), pairs([0, 1, 3, 8], STREAMS, every=2))
def test_an_apply_is_made_to_its_end(project: ProjectFolder, lines: int, streams: str) -> None:
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    project.config("domain: {a.example: {max-smtp-out: 7}}")
    assert read_only(project, "apply --auto-approve", lines, streams) == Exit.OK
    assert all("max-smtp-out 7" in host.read() for host in project.hosts.values())
    project.settled()


@pytest.mark.parametrize(("lines", "streams"), pairs([0, 1, 4], STREAMS, every=2))
def test_an_apply_that_fails_is_no_success(one: ProjectFolder, lines: int, streams: str) -> None:
    one.hosts["mta1"].stand_in().put("1", "/ctl/fail-reload")
    one.config("domain: {a.example: {max-smtp-out: 7}}", activation="reload")
    assert read_only(one, "apply --auto-approve", lines, streams) == Exit.SOME_FAILED
    assert "max-smtp-out 7" not in one.host.read()


@pytest.mark.parametrize("streams", STREAMS)
def test_an_answer_that_is_an_exit_code_is_given(one: ProjectFolder, streams: str) -> None:
    one.config("domain: {a.example: {max-smtp-out: 7}}")
    assert read_only(one, "plan --detailed-exitcode", 0, streams) == Exit.CHANGES
    assert read_only(one, "validate no-such-stack", 0, streams) not in (Exit.OK, Exit.CHANGES)
    assert read_only(one, "no-such-command", 0, streams) == Exit.USAGE


def test_a_full_disk_behind_standard_error_ends_nothing(one: ProjectFolder) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("a full disk is played by /dev/full")
    one.config("domain: {a.example: {max-smtp-out: 7}}")
    process = subprocess.run(
        ["sh", "-c", '"$@" apply --auto-approve 2>/dev/full', "sh", *PROGRAM], cwd=one.root, capture_output=True
    )
    assert process.returncode == Exit.OK
    one.settled()
