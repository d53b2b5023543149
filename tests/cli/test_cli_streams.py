"""Standard streams that are closed or full: said plainly, and nothing else is written to in their place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from projects import PROGRAM, RUNS, ProjectFolder

from pmtaform.diagnostics import Exit


def shell(project: ProjectFolder, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in the project; `"$@"` in it is the program."""
    return subprocess.run(["sh", "-c", line, "sh", *PROGRAM], cwd=project.root, capture_output=True, text=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full")
def test_a_full_disk_is_stated_and_a_change_is_made_to_its_end(one: ProjectFolder) -> None:
    one.config("domain: {a.example: {max-smtp-out: 7}}")
    process = shell(one, '"$@" apply --auto-approve >/dev/full')
    assert process.returncode == Exit.ERROR
    assert process.stderr.endswith("pmtaform: the output could not be written completely: no space left on device.\n")
    assert one.host.read() != RUNS


def test_streams_that_are_closed_take_nothing_and_no_file_takes_their_place(one: ProjectFolder) -> None:
    """A file that is opened gets the lowest number that is free, which would be that of standard output."""
    one.config("domain: {a.example: {max-smtp-out: 7}}")
    process = shell(one, '"$@" apply --auto-approve <&- >&- 2>&-')
    assert (process.returncode, process.stdout, process.stderr) == (Exit.OK, "", "")
    assert "Plan: " not in "".join(path.read_text() for path in one.root.rglob("*") if path.is_file())
    one.settled()
