"""`pmtaform fmt` on files that are not PowerMTA's: refused before anything is written; templates stay as they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit

CASES = tomllib.loads((Path(__file__).parent / "cases" / "foreign.toml").read_text(encoding="utf-8"))["case"]
REFUSED = [case for case in CASES if case.get("refused")]
TEMPLATES = [case for case in CASES if case.get("template")]
NATIVE = [case for case in CASES if not case.get("refused") and not case.get("template")]


def written(case: dict, folder: Path) -> Path:
    path = folder / case.get("file", "some.conf")
    path.write_text(case["content"].lstrip("\n"))
    return path


@pytest.mark.parametrize("option", [(), ("--check",), ("--diff",)], ids=["write", "check", "diff"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_another_language_is_refused(
    project: ProjectFolder, tmp_path: Path, case: dict, option: tuple[str, ...]
) -> None:
    path = written(case, tmp_path)
    before = path.read_bytes()
    result = project.run("fmt", *option, str(path)).ended(Exit.USAGE)
    assert "[not-powermta]" in result.err
    assert result.out == ""
    assert path.read_bytes() == before


def test_nothing_is_written_when_one_file_is_refused(project: ProjectFolder, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.conf", tmp_path / "bad.json"
    good.write_text("postmaster   a@example.com\n")
    bad.write_text("{}\n")
    project.run("fmt", str(good), str(bad)).ended(Exit.USAGE)
    assert good.read_text() == "postmaster   a@example.com\n"


@pytest.mark.parametrize(("name", "text"), [("stack.yaml", "hosts:   {}\n"), ("mailout.yaml", "stack:   mailout\n")])
def test_a_folder_with_a_stack_is_refused(project: ProjectFolder, tmp_path: Path, name: str, text: str) -> None:
    folder = tmp_path / "mailout"
    folder.mkdir()
    (folder / name).write_text(text)
    (folder / "config").write_text("postmaster   a@example.com\n")
    project.run("fmt", str(folder)).ended(Exit.USAGE)
    assert (folder / name).read_text() == text
    assert (folder / "config").read_text() == "postmaster   a@example.com\n"


@pytest.mark.parametrize("case", TEMPLATES, ids=lambda case: case["name"])
def test_a_template_stays_byte_for_byte(project: ProjectFolder, tmp_path: Path, case: dict) -> None:
    path = written(case, tmp_path)
    before = path.read_bytes()
    result = project.run("fmt", str(path)).ended(Exit.OK)
    assert "Template left unchanged" in result.err
    assert result.out == ""
    assert path.read_bytes() == before


@pytest.mark.parametrize("case", NATIVE, ids=lambda case: case["name"])
def test_what_only_looks_like_a_template_is_laid_out(project: ProjectFolder, tmp_path: Path, case: dict) -> None:
    path = written(case, tmp_path)
    before = path.read_text()
    result = project.run("fmt", str(path)).ended(Exit.OK)
    assert result.err == ""
    assert path.read_text() != before


MIXED = "<source 192.0.2.1>\r\n    smtp-service yes\r\n</source>\r\n\nlog-file /var/log/pmta/log\r\n"


def test_a_change_of_line_ends_is_visible(project: ProjectFolder, tmp_path: Path) -> None:
    path = tmp_path / "mixed.conf"
    path.write_bytes(MIXED.encode())
    lines = project.run("fmt", "--diff", str(path)).ended(Exit.OK).out.splitlines()
    removed = [line[1:] for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    assert (removed, added) == ([""], ["^M"])


def test_one_kind_of_line_end_stays_and_is_not_shown(project: ProjectFolder, tmp_path: Path) -> None:
    path = tmp_path / "crlf.conf"
    path.write_bytes(b"postmaster   a@example.com\r\nlog-file /x\r\n")
    assert "^M" not in project.run("fmt", "--diff", str(path)).ended(Exit.OK).out
    project.run("fmt", str(path)).ended(Exit.OK)
    assert path.read_bytes() == b"postmaster a@example.com\r\nlog-file /x\r\n"


def test_a_missing_last_line_end_is_visible(project: ProjectFolder, tmp_path: Path) -> None:
    path = tmp_path / "some.conf"
    path.write_bytes(b"log-file /x")
    out = project.run("fmt", "--diff", str(path)).ended(Exit.OK).out
    assert "-log-file /x\n\\ No newline at end of file\n+log-file /x\n" in out
