"""At every point of a change that is staged first, whatever can go wrong: no live file is anything but old or new.

While the change is staged and rehearsed the live files are the old ones for every other process, whatever fails. The
points are those that a staged change really takes, as the host's program itself tells them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from projects import ALL_FAULTS, ProjectFolder, is_root, pairs, until
from test_faults_matrix import (
    FAULTS,
    NEEDS_ROOT,
    heal,
    strike,
)
from world import MORE, NEW_KEY, OLD_KEY, World, marks

from pmtaform.host import (
    CONFIG,
    FileKind,
    FileRemoval,
    FileWrite,
    HostSpec,
    Status,
    Transaction,
    commit,
    recover,
    stage,
)
from pmtaform.transports.local import LOCAL

CONTROL = "pmtaform-control"


class StagedWorld(World):
    """A world whose client stages the change, and then goes on with it."""

    @property
    def spec(self) -> HostSpec:
        return HostSpec(name="mta1", transport=LOCAL, root=str(self.root), command_timeout=2.0)

    def work(self) -> int:
        session = LOCAL.open(self.spec)
        config = self.host.read().replace("old.example.com", "new.example.com").encode() + b"# new\n"
        tx = Transaction(
            id=f"staged-{os.getpid()}",
            who="a test",
            what="a staged change",
            started="2026-11-23T18:00:00Z",
            writes=(
                FileWrite(path=NEW_KEY, content=b"a key\n", kind=FileKind.KEY, mode=0o600),
                FileWrite(path=MORE, content=b"# more\n"),
                FileWrite(path=CONFIG, content=config),
            ),
            removals=(FileRemoval(path=OLD_KEY, kind=FileKind.KEY),),
        )
        outcome = stage(session, self.spec, tx, lambda: LOCAL.open(self.spec))
        if outcome.status is Status.STAGED:
            outcome = commit(session, self.spec, tx, lambda: LOCAL.open(self.spec))
        print(outcome.status, outcome.unrehearsed)
        return 0

    def live(self) -> dict[str, tuple[str, int, int, int]]:
        """The live files, without what is laid beside them."""
        return {path: is_now for path, is_now in self.files().items() if ".pmtaform-" not in path}


@cache
def staged_points() -> tuple[str, ...]:
    """The points of a staged change until it waits for its `commit`."""
    with tempfile.TemporaryDirectory() as folder:
        project = ProjectFolder(Path(folder) / "project")
        project.folder.mkdir(parents=True)
        world = StagedWorld(project)
        before = dict(os.environ)
        try:
            world.make()
            os.environ.update(marks(world.mark))
            world.ctl("points").write_text("")
            world.ctl("at").write_text("*\n")
            world.work()
            told = list(dict.fromkeys(world.ctl("points").read_text().split()))
        finally:
            os.environ.clear()
            os.environ.update(before)
            world.end()
    told = told[: told.index("staged:after.0") + 1]
    return tuple(point for point in told if ALL_FAULTS or ":after." not in point)


@pytest.fixture
def staged_world(tmp_path: Path, disk: Path, template: World) -> Iterator[StagedWorld]:
    project = ProjectFolder(tmp_path / "project")
    project.folder.mkdir(parents=True)
    (project.folder / "hosts").symlink_to(disk)
    made = StagedWorld(project)
    before = dict(os.environ)
    os.environ.update(marks(made.mark))
    try:
        made.make(template)
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        made.end()


def mounts(world: World) -> list[str]:
    """What is mounted in the world's folder, as other processes see it."""
    folder = str(world.project.root.parent)
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if folder in line]


HAPPENS = {name: FAULTS[name] for name in FAULTS if name not in {"the connection is cut", "another operator comes"}}


@pytest.mark.parametrize(("point", "fault"), pairs(staged_points(), HAPPENS, 5))
def test_whatever_goes_wrong_while_it_is_staged(staged_world: StagedWorld, point: str, fault: str) -> None:
    if fault in NEEDS_ROOT and not is_root():
        pytest.skip("only root can mount a small disk")
    world = staged_world
    old, mounted, on_disk = world.live(), mounts(world), world.on_disk
    at_the_point: list[object] = []

    def strikes(host: World, program: int) -> None:
        at_the_point.append((world.live(), world.on_disk, mounts(world)))
        HAPPENS[fault](host, program)
        at_the_point.append((world.live(), world.on_disk, mounts(world)))

    strike(world, point, strikes)
    assert at_the_point == [(old, on_disk, mounted)] * 2, "nothing but the old files is seen by another process"
    heal(world)
    session = LOCAL.open(world.spec)
    try:
        assert recover(session, world.spec).status is Status.APPLIED
    finally:
        session.close()
    until(lambda: not world.programs())
    assert world.leftovers() == []
    assert mounts(world) == mounted
    assert world.running == world.on_disk
    assert CONTROL not in world.on_disk
    new = {path for path in world.live() if path != CONFIG} == {NEW_KEY, MORE} and "# new\n" in world.on_disk
    assert new or world.live() == old
