"""`pmtaform fmt` as a command."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest
from projects import ProjectFolder, is_root

from pmtaform.cli import fmt as command
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.language import NOT_FORMATTED
from pmtaform.lang import canonical

UGLY = "postmaster   a@example.com\n<domain x>\nauth-password   geheim\n</domain>"
NICE = "postmaster a@example.com\n\n<domain x>\n    auth-password geheim\n</domain>\n"


@pytest.fixture
def ugly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "ugly.conf"
    path.write_text(UGLY)
    path.chmod(0o640)
    return path


def test_a_file_is_laid_out_in_place(project: ProjectFolder, ugly: Path) -> None:
    result = project.run("fmt", "ugly.conf").ended(Exit.OK)
    assert result.out == "ugly.conf\n"
    assert ugly.read_text() == NICE
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640
    assert {path.name for path in ugly.parent.iterdir()} == {"ugly.conf", "project"}
    inode = ugly.stat().st_ino
    assert project.run("fmt", "ugly.conf").ended(Exit.OK).out == ""
    assert ugly.stat().st_ino == inode


def test_owner_and_links_stay(project: ProjectFolder, ugly: Path) -> None:
    if is_root():
        os.chown(ugly, 1234, 4321)
    link = ugly.with_name("link.conf")
    link.symlink_to("ugly.conf")
    before = ugly.stat()
    project.run("fmt", "link.conf").ended(Exit.OK)
    assert link.is_symlink()
    assert ugly.read_text() == NICE
    assert (ugly.stat().st_uid, ugly.stat().st_gid) == (before.st_uid, before.st_gid)


def test_check_writes_nothing(project: ProjectFolder, ugly: Path) -> None:
    result = project.run("fmt", "--check", "ugly.conf").ended(Exit.ERROR)
    assert result.out == "ugly.conf\n"
    assert ugly.read_text() == UGLY
    ugly.write_text(NICE)
    assert project.run("fmt", "--check", "ugly.conf").ended(Exit.OK).out == ""


def test_diff_shows_it_with_secrets_masked_and_writes_nothing(project: ProjectFolder, ugly: Path) -> None:
    result = project.run("fmt", "--diff", "ugly.conf").ended(Exit.OK)
    assert "-postmaster   a@example.com\n+postmaster a@example.com\n" in result.out
    assert "geheim" not in result.out
    assert ugly.read_text() == UGLY
    project.run("fmt", "--diff", "--check", "ugly.conf").ended(Exit.ERROR)


def test_a_folder_is_config_and_what_it_includes_but_not_the_vendors_defaults(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "etc/pmta"
    home.mkdir(parents=True)
    (home / "config").write_text("include   /etc/pmta/a.conf\n")
    for name in ("a.conf", "config-defaults", "other.conf"):
        (home / name).write_text(UGLY)
    monkeypatch.chdir(tmp_path)
    result = project.run("fmt", ".").ended(Exit.OK)
    assert result.out.splitlines() == ["etc/pmta/config", "etc/pmta/a.conf"]
    assert (home / "a.conf").read_text() == NICE
    assert (home / "config-defaults").read_text() == UGLY
    assert (home / "other.conf").read_text() == UGLY


def test_stdin_to_stdout(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Out(io.StringIO):
        buffer = io.BytesIO()

    out = Out()
    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": io.BytesIO(UGLY.encode())}))
    monkeypatch.setattr(sys, "stdout", out)
    assert command.fmt(["-"]) == Exit.OK
    assert out.buffer.getvalue() == NICE.encode()


def test_a_file_that_cannot_be_laid_out_is_left_and_the_others_are_not(
    project: ProjectFolder, ugly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ugly.with_name("other.conf")
    other.write_text(UGLY)
    real = canonical.canonical

    def refuse(text: str, path: str = "") -> canonical.Canonical:
        problem = NOT_FORMATTED.diagnostic()
        return canonical.Canonical(text, problem) if path == "ugly.conf" else real(text, path)

    monkeypatch.setattr(canonical, "canonical", refuse)
    result = project.run("fmt", "ugly.conf", "other.conf").ended(Exit.ERROR)
    assert "ugly.conf: error: File not formatted" in result.err
    assert ugly.read_text() == UGLY
    assert other.read_text() == NICE


@pytest.mark.parametrize(
    ("path", "expected"), [("not-there", "It does not exist"), ("project", "Folder without a configuration")]
)
def test_what_is_not_there(project: ProjectFolder, ugly: Path, path: str, expected: str) -> None:
    assert expected in project.run("fmt", path).ended(Exit.USAGE).words


def test_bytes_that_are_not_utf8_and_line_ends_stay(project: ProjectFolder, ugly: Path) -> None:
    ugly.write_bytes(b"log-file   /a # \xff\r\nhost-name b\r\n")
    project.run("fmt", "ugly.conf").ended(Exit.OK)
    assert ugly.read_bytes() == b"log-file /a  # \xff\r\nhost-name b\r\n"
