"""The programs that a stack may run on this machine. They are allowed outside of the stack.

A stack often comes from another author's pull request, and is planned before a review. Three things in it run
programs here: `command:` references, `ProxyCommand` and `Match exec` of an ssh_config that lies in the project. None
is run unless the owner of the machine or of the project allows the program.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

VARIABLE: Final = "PMTAFORM_ALLOW_COMMANDS"
PROJECT_FILE: Final = "pmtaform.yaml"
KEY: Final = "allow-commands"
EVERY: Final = "*"
_SHELL: Final = re.compile(r"[;&|<>`$(){}*?\n\\]")


@dataclass(frozen=True, slots=True)
class AllowedPrograms:
    """The programs that may be run, as they are written in a command: `vault`, `/usr/bin/pass`; `*` is any."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str], environ: Mapping[str, str] | None = None) -> Self:
        """The programs that the environment allows; without it, those that the project allows (`names`)."""
        from_environment = (os.environ if environ is None else environ).get(VARIABLE)
        chosen = names if from_environment is None else from_environment.split(",")
        return cls(frozenset(name.strip() for name in chosen if name.strip()))

    def permits(self, program: str) -> bool:
        """Whether this program may be run, with any arguments."""
        return EVERY in self.names or program in self.names

    def permits_line(self, line: str) -> bool:
        """Whether a line for a shell is a permitted program and plain arguments."""
        if EVERY in self.names:
            return True
        try:
            words = shlex.split(line)
        except ValueError:
            return False
        return bool(words) and not _SHELL.search(line) and self.permits(words[0])


ANY_PROGRAM: Final = AllowedPrograms(frozenset({EVERY}))  # for what the operator's own files and commands run


def remedy(program: str) -> str:
    """The remedy: how to allow a program."""
    return (
        f"The programs that a stack may run are allowed outside of it. If you trust the stack, write `{KEY}: "
        f"[{program}]` in {PROJECT_FILE} at the project's root, or set in the environment:\n    {VARIABLE}={program}"
    )
