"""Which backend keeps a project's state: the project file says it, and a plug-in can bring one."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributions import install
from projects import ProjectFolder

from pmtaform import project as project_module
from pmtaform.diagnostics import Exit
from pmtaform.project import Project
from pmtaform.testing.state import MemoryBackends

SHELF = """
from pmtaform.state.backend import BackendKind
from pmtaform.state.files import FileBackend

def _open(settings):
    return lambda stack: FileBackend(settings.root / settings.options["folder"], stack)

SHELF = BackendKind(_open)
"""


@pytest.fixture
def fleet(project: ProjectFolder) -> ProjectFolder:
    project.add_host("mta1").stand_in()
    project.stack("config: {postmaster: a@example.com}")
    return project


def test_a_plug_in_keeps_the_state_where_the_project_file_says(
    fleet: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "[pmtaform.state_backends]\nshelf = acme_shelf:SHELF\n"
    install(monkeypatch, tmp_path / "site", name="acme-shelf", entry_points=lines, modules={"acme_shelf.py": SHELF})
    (fleet.root / "pmtaform.yaml").write_text("backend: {shelf: {folder: kept}}\n")
    fleet.apply().ended(Exit.OK)
    assert sorted(p.name for p in (fleet.root / "kept").iterdir() if p.name.startswith("fleet")) == [
        "fleet.journal",
        "fleet.json",
        "fleet.key",
    ]
    assert not (fleet.root / "state" / "fleet.json").exists()
    fleet.run("plan", "--detailed-exitcode").ended(Exit.OK)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("backend: fiel", 'Did you mean "file"?'),
        ("backend: {file: {x: y}}", "It has no options"),
        ("backend: [file]", "Write `backend: NAME`"),
        ("backend: {file: {x: [1]}}", "Write `backend: NAME`"),
        ("bakend: file", "allow-commands, backend"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(fleet: ProjectFolder, text: str, words: str) -> None:
    (fleet.root / "pmtaform.yaml").write_text(text + "\n")
    assert words in fleet.run("plan").ended(Exit.INVALID).words


def test_a_program_gives_a_project_its_own_backends(fleet: ProjectFolder) -> None:
    kept = MemoryBackends()
    project = Project(fleet.root, kept)
    project.journal("fleet").end("r1", "ok")
    assert kept("fleet").events.read()
    assert project.key("fleet").id == kept("fleet").key().id
    assert not (fleet.root / "state").exists()
    assert project_module.Project(fleet.root) == Project(fleet.root)
