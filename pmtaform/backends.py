"""The state backend of a project, as its project file chooses it."""

from __future__ import annotations

import functools
from pathlib import Path

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.state import UNKNOWN_BACKEND
from pmtaform.errors import Invalid
from pmtaform.plugins import STATE_BACKENDS
from pmtaform.stack.project_file import read_project_file
from pmtaform.state import Backends
from pmtaform.state.backend import BackendSettings


def backends_of(root: Path) -> Backends:
    """The backends of the stacks in the project `root`. Raises `Invalid`, `PlugInBroken`."""
    chosen = read_project_file(root)
    return _opened(root, chosen.backend, tuple(chosen.options.items()))


@functools.lru_cache(maxsize=16)
def _opened(root: Path, name: str, options: tuple[tuple[str, str], ...]) -> Backends:
    """Once for each choice, so that a backend may keep a connection."""
    try:
        kind = STATE_BACKENDS[name]
    except KeyError:
        names = STATE_BACKENDS.names()
        detail = f"There is no state backend {name!r}; there are: {', '.join(names)}.{did_you_mean(name, names)}"
        raise Invalid.of(UNKNOWN_BACKEND, detail) from None
    return kind.open(BackendSettings(root, dict(options)))
