"""Which programs a stack may have run on this machine, decided outside of the stack.

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
        """Those that the environment allows; what the project allows (`names`) where the environment is silent."""
        said = (os.environ if environ is None else environ).get(VARIABLE)
        chosen = names if said is None else said.split(",")
        return cls(frozenset(name.strip() for name in chosen if name.strip()))

    def permits(self, program: str) -> bool:
        """Whether this program may be run, with whatever arguments."""
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
    """How to allow a program, in sentences."""
    return (
        f"What a stack may run is decided outside of it. If you trust the stack: set {VARIABLE}={program}, or write "
        f"`{KEY}: [{program}]` in {PROJECT_FILE} at the project's root."
    )
