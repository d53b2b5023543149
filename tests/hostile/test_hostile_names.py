"""Two names of one machine in one run: why they lock each other out, and that before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import ProjectFolder
from sshd import Sshd, start_sshd

from pmtaform.diagnostics import Exit


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with start_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def two_names(project: ProjectFolder, one: dict[str, object], other: dict[str, object]) -> None:
    project.stack(
        "config: {domain: {a.example: {max-smtp-out: 7}}}\nrollout: {parallel: 2}\n",
        {"mta1": one, "mta2": other},
        activation="none",
    )


def test_a_folder_with_two_names_is_reported_before_and_after(one: ProjectFolder) -> None:
    (one.folder / "hosts/other").symlink_to("mta1")
    two_names(one, {"root": "hosts/mta1"}, {"root": "hosts/other"})
    planned = one.plan()
    assert "mta1, mta2: warning: Two host names for one machine [same-machine]" in planned.words
    result = one.apply()
    assert result.code != Exit.OK
    assert "This run itself changes the machine, as" in result.words
    assert "max-smtp-out" not in one.host.read(), "both are staged before either is changed"


def ssh(server: Sshd, root: Path, **more: object) -> dict[str, object]:
    return {**server.stack_keys(**more), "root": str(root)}


@pytest.mark.parametrize("same", ["machine id", "address"])
def test_a_machine_with_two_names_is_reported(one: ProjectFolder, sshd: Sshd, same: str) -> None:
    if same == "machine id":
        one.host.put("1" * 32 + "\n", "/etc/machine-id", 0o444)
    known = sshd.folder / "known-more"
    known.write_text("".join(sshd.line(kind, name=f"[{n}]:{sshd.port}") for kind in sshd.keys for n in ADDRESSES))
    other = {"address": ADDRESSES[1] if same == "machine id" else ADDRESSES[0]}
    mine = ssh(sshd, one.host.root, known_hosts=str(known))
    two_names(one, mine, {**mine, **other})
    assert f"have the same {same}" in one.plan().words


ADDRESSES = ("127.0.0.1", "localhost")


def test_folders_of_one_machine_are_hosts_of_their_own(one: ProjectFolder, sshd: Sshd) -> None:
    other = one.add_host("mta2")
    for host in (one.host, other):
        host.put("1" * 32 + "\n", "/etc/machine-id", 0o444)
    two_names(one, ssh(sshd, one.host.root), ssh(sshd, other.root))
    assert "same-machine" not in one.plan().all
    one.apply().ended(Exit.OK)


def test_another_runs_lock_is_not_ones_own(one: ProjectFolder) -> None:
    from hosts_waiting import pending

    one.host.stand_in()
    one.config("domain: {a.example: {max-smtp-out: 7}}", activation="reload")
    with pending(one):
        result = one.apply()
        assert result.code == Exit.LOCKED
        assert "same-machine" not in result.all
