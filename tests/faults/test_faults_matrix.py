"""At every step of the transaction, whatever can go wrong: the host is wholly old or wholly new, and reports which.

The steps are those that a change really takes, as the host's program itself tells them; nothing is listed by hand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from projects import ALL_FAULTS, ProjectFolder, is_root, pairs, until
from world import AFTER, CONSENT, NEW_KEY, OLD_KEY, World, marks

from pmtaform.diagnostics import Exit
from pmtaform.host.wire import steps

# -- the points --------------------------------------------------------------------------------------------------------


def walk(*, fails: bool) -> list[str]:
    """Every point that a change comes to, in order; with `fails` those of one that PowerMTA does not take."""
    with tempfile.TemporaryDirectory() as folder:
        project = ProjectFolder(Path(folder) / "project")
        project.folder.mkdir(parents=True)
        world = World(project)
        before = dict(os.environ)
        try:
            world.make()
            os.environ.update(marks(world.mark))
            world.ctl("points").write_text("")
            world.ctl("at").write_text("*\n")
            if fails:
                world.ctl("fail-reload").write_text("1\n")
            world.say(AFTER)
            world.apply_here().ended(Exit.SOME_FAILED if fails else Exit.OK)
            return world.ctl("points").read_text().split()
        finally:
            os.environ.clear()
            os.environ.update(before)
            world.end()


@cache
def points() -> tuple[str, ...]:
    """The points of a change that is made: each once, and of a step done per file its first and its last."""
    return tuple(_thinned(walk(fails=False)))


@cache
def undo_points() -> tuple[str, ...]:
    """Those of a change that is undone, which the other does not come to."""
    return tuple(_thinned([point for point in walk(fails=True) if point.startswith("undo")]))


def _thinned(told: list[str]) -> list[str]:
    """Each point once. Unless all are wanted, of a step done per file its first and its last; and where one step ends
    and the next begins, which is one moment, its beginning.
    """
    seen = list(dict.fromkeys(told))
    if ALL_FAULTS:
        return seen
    seen = [point for point in seen if ":after." not in point or point == seen[-1]]
    steps_of: dict[str, list[str]] = {}
    for point in seen:
        steps_of.setdefault(point.rpartition(".")[0], []).append(point)
    return [point for point in seen for of in [steps_of[point.rpartition(".")[0]]] if point in (of[0], of[-1])]


# -- the faults --------------------------------------------------------------------------------------------------------


def kill_the_client(world: World, _: int) -> None:
    world.kill(world.child)


def cut_the_connection(world: World, program: int) -> None:
    if world.server is not None:
        world.kill(*world.server.sessions())
    else:
        world.kill(world.front(program))


def kill_the_program(world: World, program: int) -> None:
    world.kill(program)


def reboot_the_host(world: World, _: int) -> None:
    world.reboot()


def fill_the_disk(world: World, _: int) -> None:
    with (world.root.parent / "ballast").open("wb", buffering=0) as ballast:
        for size in (65536, 512, 1):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError:
                continue


def make_it_read_only(world: World, _: int) -> None:
    # A disk on which a file is open for writing cannot be made read-only; its folders can, also for root.
    change_folders(world, "+i")


def change_folders(world: World, how: str) -> None:
    folders = [world.root / "etc/pmta", *(p for p in (world.root / "etc/pmta").rglob("*") if p.is_dir())]
    subprocess.run(["chattr", how, *folders], check=True, capture_output=True)


def another_operator(world: World, _: int) -> None:
    """Someone with another copy of the project applies something else in between."""
    other = ProjectFolder(world.project.root.parent / "other", world.project.hosts)
    shutil.copytree(world.project.root, other.root, symlinks=True)
    for lock in (other.root / "state").glob("*.lock"):
        lock.unlink()
    stack = (other.folder / "stack.yaml").read_text()
    (other.folder / "stack.yaml").write_text(stack.replace("max-smtp-out: 20", "max-smtp-out: 15"))
    world.other = other.apply(*CONSENT)


FAULTS: dict[str, Callable[[World, int], None]] = {
    "the client is killed": kill_the_client,
    "the connection is cut": cut_the_connection,
    "the program is killed": kill_the_program,
    "the host reboots": reboot_the_host,
    "the disk is full": fill_the_disk,
    "the disk is read-only": make_it_read_only,
    "another operator comes": another_operator,
}
NEEDS_ROOT = {"the disk is full", "the disk is read-only"}


def heal(world: World) -> None:
    """The trouble is over; what it left behind is not."""
    disk = world.root.parent
    if is_root():
        change_folders(world, "-i")
    (disk / "ballast").unlink(missing_ok=True)
    for control in world.root.glob("ctl/*-*"):
        control.unlink()


# -- what must hold ----------------------------------------------------------------------------------------------------


def strike(world: World, point: str, fault: Callable[[World, int], None]) -> tuple[int, str]:
    """The change is made, and at the point something goes wrong. The client's end, and what it said."""
    world.change(point)
    program = world.reached()
    assert program, f"it never came to {point}: {world.out.read_text()}"
    world.ctl("at").unlink()
    fault(world, program)
    world.go_on()
    code = world.client_ends()
    until(lambda: not [pid for pid in world.programs() if not _is_timer(world, pid)])
    return code, " ".join(world.out.read_text().split())


def _is_timer(world: World, pid: int) -> bool:
    told = [_text(path).split() for path in world.lib.glob("tx/*/timer")]
    timers = {words[1] for words in told if len(words) > 1}
    status = _text(Path(f"/proc/{pid}/stat"))
    return str(pid) in timers or not status or status.rpartition(")")[2].split()[1] in timers


def _text(path: Path) -> str:
    """Empty: it is gone."""
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def check(world: World, old: dict[str, tuple[str, int, int, int]], code: int, result: str) -> None:
    """The host is wholly old or wholly new and runs that; nothing is left; state, exit code and words are right."""
    heal(world)
    pending = world.pending()
    recovered = world.project.run("recover")
    if pending and recovered.code == Exit.LOCKED:
        assert "awaits its confirmation" in recovered.words
        world.time_is_over()
        recovered = world.project.run("recover")
    assert recovered.code == Exit.OK, recovered.all
    assert world.leftovers() == [], recovered.all
    until(lambda: not world.programs())
    assert world.running == world.on_disk, "PowerMTA runs what the files say"
    files = world.files()
    assert "under-way" not in world.project.state
    if files == old:
        new = False
        assert "domain[gmail.com]" in world.project.plan().ended(Exit.OK).out
    else:
        new = True
        assert "max-smtp-out 15" not in files["/etc/pmta/config"][0], "another operator's is seen by another test"
        is_new(world, old)
        assert world.project.plan("--detailed-exitcode").code == Exit.OK
        assert "dkim-key[example.com/new]" in world.project.state["hosts"]["mta1"]["keys"]
    if code >= 0 and "[outcome-unknown]" not in result:
        assert (code == Exit.OK) == new, (code, result)
        told = "applied (generation 2)" if new else "mta1 (rolled back|failed|not started|stale|locked|unreachable)"
        import re

        assert re.search(told.replace("(g", r"\(g").replace("2)", r"2\)") if new else told, result), result
    assert "Traceback" not in result
    assert "this is a bug" not in result


def is_new(world: World, old: dict[str, tuple[str, int, int, int]]) -> None:
    files = world.files()
    assert set(files) == {"/etc/pmta/config", NEW_KEY, "/etc/pmta/conf.d/more.conf"}
    assert "max-smtp-out 20" in files["/etc/pmta/config"][0]
    assert OLD_KEY not in files["/etc/pmta/config"][0]
    assert oct(files[NEW_KEY][1]) == "0o100600"
    assert files["/etc/pmta/config"][1:] == old["/etc/pmta/config"][1:], "mode, owner and group are as they were"


def combinations(every: int) -> list[tuple[str, str]]:
    return pairs(points(), FAULTS, every)


@pytest.mark.parametrize(("point", "fault"), combinations(every=3))
def test_whatever_goes_wrong_at_whatever_point(world: World, point: str, fault: str) -> None:
    if fault in NEEDS_ROOT and not is_root():
        pytest.skip("only root can mount a small disk")
    old = world.files()
    code, result = strike(world, point, FAULTS[fault])
    if fault == "another operator comes" and world.other is not None and world.other.code == Exit.OK:
        overtaken(world, code)
        return
    check(world, old, code, result)


def overtaken(world: World, code: int) -> None:
    """The other one came first, and everything is as that one wants it."""
    assert code in (Exit.STALE, Exit.LOCKED, Exit.SOME_FAILED)
    assert world.project.run("recover").code == Exit.OK
    assert world.leftovers() == []
    assert world.running == world.on_disk
    assert "max-smtp-out 15" in world.files()["/etc/pmta/config"][0]


UNDO_FAULTS = ("the client is killed", "the program is killed", "the connection is cut", "the host reboots")


@pytest.mark.parametrize(("point", "fault"), pairs(undo_points(), UNDO_FAULTS, every=2))
def test_whatever_goes_wrong_while_it_is_undone(world: World, point: str, fault: str) -> None:
    old = world.files()
    world.ctl("fail-reload").write_text("1\n")
    code, result = strike(world, point, FAULTS[fault])
    check(world, old, code, result)
    assert world.files() == old


COMMANDS = {"running": "status", "test": "test", "activate": "reload", "health": "status"}


@pytest.mark.parametrize("how", ["fail", "hang"])
@pytest.mark.parametrize("step", COMMANDS)
def test_a_command_that_fails_or_hangs(world: World, step: str, how: str) -> None:
    old = world.files()
    code, result = strike(world, f"{step}.0", lambda w, _: _tell(w, f"{how}-{COMMANDS[step]}"))
    check(world, old, code, result)
    assert world.files() == old
    assert code == Exit.SOME_FAILED
    assert ("no answer within 2 s" if how == "hang" else "exit 1") in result


def _tell(world: World, what: str) -> None:
    # `show status` is asked in two forms before it is believed to say no.
    world.ctl(what).write_text("2\n" if what.endswith("status") else "1\n")


def test_the_points_are_the_steps_that_the_program_has() -> None:
    seen = {point.rpartition(".")[0].removesuffix(":after") for point in (*walk(fails=False), *walk(fails=True))}
    assert seen <= set(steps())
    # One host alone is not staged first, and all folders are there; tests/hostile has a change that makes some.
    assert set(steps()) - seen == {"rehearse", "control", "staged", "folder"}


@pytest.mark.sshd
@pytest.mark.parametrize(("point", "fault"), combinations(every=11))
def test_the_same_over_ssh(world: World, over_ssh: None, point: str, fault: str) -> None:
    test_whatever_goes_wrong_at_whatever_point(world, point, fault)
