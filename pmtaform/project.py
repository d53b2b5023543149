"""A project: the folder that holds `stacks/`, and where the state of its stacks is."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pmtaform.backends import backends_of
from pmtaform.stack import Stack, find_project, load_stack, stack_folder
from pmtaform.stack.rotations import rotated_keys
from pmtaform.state import Backends, HeldLock, Journal, LockInfo, RotationStore, StackKey, StateBackend


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `stacks/`. `backends` keep the state of its stacks; None: the project file chooses."""

    root: Path
    backends: Backends | None = field(default=None, repr=False, compare=False)

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project that `start` (the current folder) lies in. Raises `UsageError`."""
        return cls(find_project(start or Path.cwd()))

    def stack_folder(self, name: str | None) -> Path:
        """The folder of a stack: by name, by path, or the only one there is. Raises `UsageError`."""
        return stack_folder(self.root, name)

    def load(self, name: str | None) -> Stack:
        """The stack with this name, with the selectors that its keys have. Raises `UsageError` and `Invalid`.

        Raises `StateDamaged` when a key is rotated and its history cannot be read.
        """
        stack = load_stack(self.stack_folder(name))
        keys = rotated_keys(stack)
        if not keys:
            return stack
        from pmtaform.signing.selectors import with_selectors

        return with_selectors(stack, keys, self.rotations(stack.name))

    def rotations(self, stack: str) -> RotationStore:
        """Where the histories of the stack's rotated keys are kept."""
        return self.backend(stack).rotations

    def backend(self, stack: str) -> StateBackend:
        """Where the state of a stack is kept. Raises `Invalid`, `UsageError`."""
        return (self.backends or backends_of(self.root))(stack)

    def key(self, stack: str) -> StackKey:
        """The stack's own key; made if there is none yet."""
        return self.backend(stack).key()

    def journal(self, stack: str) -> Journal:
        """The journal of the stack's runs."""
        return Journal(self.backend(stack).events)

    def lock(self, stack: str, what: str) -> HeldLock:
        """Take the lock on a stack's state. Raises `Locked`."""
        return self.backend(stack).lock(LockInfo.mine(what))

    def commit(self) -> str | None:
        """The Git commit of the project, with `-dirty` if files differ from it; None outside Git."""
        try:
            described = subprocess.run(
                ["git", "-C", str(self.root), "describe", "--always", "--dirty", "--abbrev=40", "--match", ""],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return described.stdout.strip() or None
