"""What is read is paid for once: twice as much of it is no more than twice the work.

Work is counted, not timed: the text that the shell writes when it traces each command, with every value in it, and the
functions that a plan calls.
"""

from __future__ import annotations

import cProfile
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, HostRoot, key, make_host_root, never, spec_of, transaction
from projects import RUNS, ProjectFolder

from pmtaform.errors import HostError
from pmtaform.host import HASH_ONLY, Known, Snapshot, Status, apply, probe
from pmtaform.host.local import LocalSession
from pmtaform.lang.includes import absolute_includes

FEW, MANY = 300, 600
PATTERN = "/etc/pmta/conf.d/*.conf"


def files(root: HostRoot, many: int) -> list[str]:
    paths = [f"/etc/pmta/conf.d/file-{n:05}.conf" for n in range(many)]
    for path in paths:
        root.put(path, b"")
    return paths


def traced(root: HostRoot) -> LocalSession:
    """A way to the host with a shell that writes down what it does."""
    shell = root.path / "traced"
    shell.write_text(f'#!/bin/sh\nexec bash -x "$@" 2>>{root.path}/trace\n')
    shell.chmod(0o755)
    return LocalSession(spec_of(root), (str(shell),))


def look(root: HostRoot, known: Known) -> Snapshot:
    """Look at the host over `traced`."""
    session = traced(root)
    try:
        return probe(session, spec_of(root), known, absolute_includes if known == Known() else never)
    finally:
        session.close()


def named_by_a_pattern(root: HostRoot, many: int) -> Known:
    files(root, many)
    root.put(CONFIG, f"include {PATTERN}\n".encode())
    return Known()


def named_one_by_one(root: HostRoot, many: int) -> Known:
    root.put(CONFIG, "".join(f"include {path}\n" for path in files(root, many)).encode())
    return Known()


def known_already(root: HostRoot, many: int) -> Known:
    return Known(files=dict.fromkeys(files(root, many), HASH_ONLY), patterns=(PATTERN,))


def known_in_part(root: HostRoot, many: int) -> Known:
    return Known(files=dict.fromkeys(files(root, many)[::2], HASH_ONLY), patterns=(PATTERN, PATTERN.replace("*", "f*")))


def keys(root: HostRoot, many: int) -> Known:
    return Known(files=dict.fromkeys(files(root, many), HASH_ONLY))


KINDS = (named_by_a_pattern, named_one_by_one, known_already, known_in_part, keys)


@pytest.mark.parametrize("kind", KINDS)
def test_twice_as_many_files_are_twice_the_work(tmp_path: Path, kind: Callable[[HostRoot, int], Known]) -> None:
    work = {}
    for many in (FEW, MANY):
        root = make_host_root(tmp_path / str(many))
        seen = look(root, kind(root, many))
        assert len([path for path in seen.files if path.startswith("/etc/pmta/conf.d/")]) == many
        assert all(len(names) == many for names in seen.patterns.values())
        work[many] = (root.path / "trace").stat().st_size
    assert work[MANY] < 2.4 * work[FEW], work


@pytest.mark.parametrize("many", [3, FEW])
def test_a_file_that_is_asked_for_and_matched_is_sent_once(tmp_path: Path, many: int) -> None:
    root = make_host_root(tmp_path / "root")
    paths = files(root, many)
    odd = ["/etc/pmta/conf.d/a b.conf", "/etc/pmta/conf.d/*[x]?.conf", "/etc/pmta/conf.d/-n\\t.conf"]
    for path in odd:
        root.put(path, b"odd\n")
    known = Known(files=dict.fromkeys([*paths[::2], odd[0]], HASH_ONLY), patterns=(PATTERN,))
    seen = look(root, known)
    sent = {path for path, file in seen.files.items() if file.content is not None and path != CONFIG}
    assert sent == {*paths[1::2], *odd[1:]}
    assert seen.patterns[PATTERN] == tuple(sorted([*paths, *odd]))


def test_files_of_the_stack_are_not_counted_as_includes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[probe.__module__], "MAX_FILES", 5)
    root = make_host_root(tmp_path / "root")
    assert len(look(root, keys(root, 30)).files) == 31
    with pytest.raises(HostError, match="too-many-includes"):
        look(root, named_one_by_one(root, 30))


def test_twice_as_many_keys_are_twice_the_work_of_a_change(tmp_path: Path) -> None:
    work = {}
    for many in (60, 120):
        root = make_host_root(tmp_path / str(many))
        session = traced(root)
        writes = [key(f"/etc/pmta/keys/key-{n:05}.pem") for n in range(many)]
        outcome = apply(session, spec_of(root), transaction((CONFIG, NEW), *writes), lambda: session)  # noqa: B023
        session.close()
        assert outcome.status is Status.APPLIED
        work[many] = (root.path / "trace").stat().st_size
    assert work[120] < 2.4 * work[60], work


def domains(project: ProjectFolder, many: int, *, includes: bool) -> int:
    """How many functions a plan calls that changes this many domains, in one file or in as many."""
    blocks = {n: f"<domain d{n}.example>\n  max-smtp-out 1\n</domain>\n" for n in range(many)}
    if includes:
        for n, block in blocks.items():
            project.host.put(block, f"/etc/pmta/conf.d/{n:05}.conf")
        project.host.put(f"{RUNS}include {PATTERN}\n")
    else:
        project.host.put(RUNS + "".join(blocks.values()))
    project.config("domain:\n" + "".join(f"  d{n}.example: {{max-smtp-out: 2}}\n" for n in blocks))
    profile = cProfile.Profile()
    result = profile.runcall(project.plan)
    assert f"{many} to update" in result.out, result.all
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("includes", [False, True], ids=["one file", "many files"])
def test_a_plan_of_twice_as_many_blocks_calls_twice_as_much(one: ProjectFolder, includes: bool) -> None:
    domains(one, 10, includes=includes)  # what is imported and read once
    few = domains(one, 150, includes=includes)
    assert domains(one, 300, includes=includes) < 2.4 * few
