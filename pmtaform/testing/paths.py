"""Paths on a host in memory: which a change may touch, and which a pattern names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from pmtaform.host.text import encode


def path_problem(path: str, allowed: Sequence[str], files: Iterable[str]) -> str:
    """Why a change may not touch `path`, or the empty string."""
    if any(part in ("", ".", "..") for part in path[1:].split("/")):
        return f"{path} is not a plain path"
    if not any(path.startswith(f"{folder}/") for folder in allowed):
        return f"{path} is not below an allowed path"
    if any(other.startswith(f"{path}/") for other in files):
        return f"{path} is a folder"
    return ""


def matches(files: Iterable[str], pattern: str) -> list[str]:
    """The files that `pattern` names, as a shell does: no wildcard matches a slash or a dot at the start of a name."""
    parts = pattern.split("/")
    return sorted((path for path in files if _fits(path.split("/"), parts)), key=encode)


def _fits(names: list[str], parts: list[str]) -> bool:
    return len(names) == len(parts) and all(
        fnmatchcase(name, part) and (not name.startswith(".") or part.startswith("."))
        for name, part in zip(names, parts, strict=True)
    )
