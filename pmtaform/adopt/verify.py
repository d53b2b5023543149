"""Whether a written stack declares exactly what its servers have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmtaform.adopt.model import OutFile
from pmtaform.adopt.server import ServerBlocks
from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.lang.blocks import Address
from pmtaform.model.desired import Desired
from pmtaform.secrets import Secret
from pmtaform.stack import Stack, check_stack, compile_host


@dataclass(frozen=True, slots=True)
class StackCheck:
    """What is not as it should be: blocks by host, and errors of the stack itself. Neither: all is well."""

    differ: Mapping[str, tuple[Address, ...]]
    errors: tuple[Diagnostic, ...] = ()
    stack: Stack | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the stack declares what the servers have."""
        return not self.differ and not self.errors


def write(folder: Path, files: Mapping[str, OutFile]) -> None:
    """Write the files of a stack into a new folder, private ones for their owner only from the first byte on."""
    folder.mkdir(parents=True)
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.private or name.endswith("/.gitignore"):
            path.parent.chmod(0o700)
        path.touch(mode=0o600 if file.private else 0o644, exist_ok=False)
        path.write_bytes(file.content)


def verify(folder: Path, server_blocks: Sequence[ServerBlocks], secrets: Mapping[str, bytes]) -> StackCheck:
    """Load and compile the stack in `folder`, and compare every block with the live one. Secrets are those given."""
    stack, diagnostics = check_stack(folder)
    errors = tuple(d for d in diagnostics if d.severity is Severity.ERROR)
    if errors:
        return StackCheck({}, errors, stack)

    def resolve(reference: str, _place: Place | None) -> Secret:
        return Secret(secrets[reference], reference)

    differ: dict[str, tuple[Address, ...]] = {}
    for one in server_blocks:
        wrong = tuple(_different(compile_host(stack, one.server.name, resolve), one))
        if wrong:
            differ[one.server.name] = wrong
    return StackCheck(differ, (), stack)


def _different(desired: Desired, one: ServerBlocks) -> Iterable[Address]:
    left = set(one.left)
    written = set()
    for entry in one.entries:
        address = entry.address
        written.add(address)
        made = desired.blocks.get(address)
        if address in left:
            if made is not None:
                yield address
        elif made is None or not made.same_as(entry.block):
            yield address
    yield from (address for address in desired.blocks if address not in written)
