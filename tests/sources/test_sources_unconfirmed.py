"""A host whose change is not confirmed: what was read may be gone soon, and each command reports that."""

from __future__ import annotations

import pytest
from hosts_waiting import pending
from projects import OFFLINE, ProjectFolder

from pmtaform.errors import UsageError
from pmtaform.sources import FolderReader, Unread, locate, read_named

ROOT = "stacks/fleet/hosts/mta1"
COMMANDS = {
    "effective": ("effective", "mta1", "--domain", "x.example"),
    "diff": ("diff", "mta1", ROOT),
    "lint": ("lint", "fleet", "--host", "mta1"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_change_that_awaits_its_confirmation_is_reported(
    live: ProjectFolder, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(live.root)
    live.stack()
    assert "[host-busy]" not in live.run(*words).err
    with pending(live):
        result = live.run(*words)
        assert result.err.count("[host-busy]") == 1
        assert (
            "The change of anna@laptop (a change, since 2026-11-25T12:00:00Z) rolls back by itself in " in result.words
        )


def test_a_host_without_a_configuration_is_an_error(project: ProjectFolder) -> None:
    project.add_host("mta1", None)
    project.stack(**OFFLINE)
    (project.root / "config").write_text("")
    for words in COMMANDS.values():
        assert (
            "[no-configuration]" in project.run(*(str(project.root) if word == ROOT else word for word in words)).err
        ), words


def test_an_unread_file_is_a_value_of_its_own(project: ProjectFolder) -> None:
    home = project.root / "copy"
    home.mkdir()
    (home / "config").write_text("")
    (home / "folder").mkdir()
    reader = FolderReader(locate(home))
    assert reader.content("/etc/pmta/config") == b""
    assert reader.content("/etc/pmta/gone") is None
    assert reader.content("/opt/outside") is None
    assert reader.content("/etc/pmta/folder") == Unread("it is a folder")
    with pytest.raises(UsageError, match="It does not exist"):
        read_named(home / "gone")
