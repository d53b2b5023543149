"""Read what a stack declares, now or at a revision of the project's Git repository."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_HOST, NO_SUCH_REVISION, REVISION_INVALID
from pmtaform.errors import Invalid, UsageError
from pmtaform.lang.blocks import BlockPart
from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse
from pmtaform.model.desired import Desired
from pmtaform.programs import PROJECT_FILE
from pmtaform.sources.model import LoadedConfiguration
from pmtaform.stack import Stack, load_stack
from pmtaform.stack.resolve import desired_of

if TYPE_CHECKING:
    from pmtaform.project import Project

_TIMEOUT = 60.0


def read_stack(project: Project, spec: str) -> dict[str, LoadedConfiguration]:
    """What `REV:STACK[:HOST]` declares, by host. An empty REV is the working tree.

    Raises `UsageError` when there is no such revision, stack or host, and `Invalid` when the stack is not valid.
    """
    revision, _, rest = spec.partition(":")
    name, _, host = rest.partition(":")
    if not revision:
        return _hosts(project.load(name or None), host, f":{name}")
    folder = project.stack_folder(name or None)
    with tempfile.TemporaryDirectory(prefix="pmtaform-") as scratch:
        root = Path(scratch)
        path = f"stacks/{folder.name}"
        _unpack(_archive(project.root, revision), root)
        if not (root / path).is_dir() or not (root / path).resolve().is_relative_to(root.resolve()):
            raise _no_such(revision, f"{path} does not exist at {revision}.")
        try:
            stack = load_stack(root / path)
            return _hosts(stack, host, f"{revision}:{folder.name}", prefix=f"{revision}:")
        except Invalid as problem:
            detail = f"{folder.name} at {revision} is not valid for this pmtaform."
            raise Invalid(*problem.diagnostics, *Invalid.of(REVISION_INVALID, detail).diagnostics) from None


def _hosts(stack: Stack, host: str, name: str, prefix: str = "") -> dict[str, LoadedConfiguration]:
    if host and host not in stack.hosts:
        detail = f'"{host}" is not a host of {name}.{did_you_mean(host, stack.hosts)}'
        raise UsageError.of(NO_SUCH_HOST, detail)
    chosen = [host] if host else list(stack.hosts)
    return {each: _declared(desired_of(stack, each, secrets=False), f"{name}:{each}", prefix) for each in chosen}


def _declared(desired: Desired, name: str, prefix: str) -> LoadedConfiguration:
    """What is declared, as a configuration of one file whose lines know where they were written."""
    lines: list[str] = []
    origins: list[Place | None] = []
    for block in desired.blocks.values():
        for part in block.parts:
            for number in _lines_of(part):
                text = part.tree.lines[number - 1]
                lines.append(text if text.endswith("\n") else text + "\n")
                origins.append(part.tree.place(number))
    tree = parse("".join(lines), desired.config, origins=origins)
    files = {origin.file for origin in origins if origin is not None}
    real = {file: prefix + file for file in files} if prefix else {}
    return LoadedConfiguration(
        name=name, configuration=single(tree), real=real, is_declared=True, declared=desired.blocks
    )


def _lines_of(part: BlockPart) -> range:
    return range(part.node.line, part.node.end + 1)


def _archive(root: Path, revision: str) -> bytes:
    """The project at a revision, as a tar archive: a stack may use every file of its project."""
    if revision.startswith("-"):
        raise _no_such(revision, "A revision does not start with a dash.")
    command = ["git", "-C", str(root), "archive", "--format=tar", revision]
    try:
        process = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise _no_such(revision, f"git cannot be run: {problem}.") from None
    if process.returncode:
        output = process.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _no_such(revision, f"git says: {output[0] if output else f'exit {process.returncode}'}.")
    return process.stdout


def _unpack(archive: bytes, into: Path) -> None:
    """Write the files and the symbolic links of an archive, nothing outside of `into`.

    Links are made after the files, so that no file is written through one. Where a link leads is for the reader of
    the stack to judge, as in a working tree. The project file is omitted: a revision cannot allow programs.
    """
    links: list[tarfile.TarInfo] = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.name == PROJECT_FILE:
                continue
            if member.issym():
                links.append(member)
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and (target := _place(member, into)) is not None:
                target.write_bytes(content.read())
    for link in links:
        if (target := _place(link, into)) is not None:
            target.symlink_to(link.linkname)


def _place(member: tarfile.TarInfo, into: Path) -> Path | None:
    """Where a member of an archive is written, its folder made; None: outside of `into`, or in the way of another."""
    target = into / member.name
    if not target.parent.resolve().is_relative_to(into.resolve()) or os.path.lexists(target):
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _no_such(revision: str, detail: str) -> UsageError:
    return UsageError.of(NO_SUCH_REVISION, f"{revision}: {detail}")
