"""Secrets that pmtaform itself stores: write, read and remove what a reference leads to."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.key_commands import EMPTY_SECRET, SECRET_TOO_LARGE
from pmtaform.diagnostics.codes.project_files import SECRET_IN_GIT
from pmtaform.errors import UsageError
from pmtaform.programs import ANY_PROGRAM
from pmtaform.secrets.reference import Reference
from pmtaform.secrets.resolver import Resolver
from pmtaform.secrets.secret import Secret

_IGNORE: Final = "# Secrets: never in Git.\n*\n!.gitignore\n"


def holds_secret(reference: Reference, folder: Path) -> bool:
    """Whether there is anything where `reference` leads. Raises `SecretUnavailable`, also for env: and command:."""
    return Resolver(folder).holds(reference)


def read_secret(reference: Reference, folder: Path) -> Secret:
    """The value of a reference that the operator typed, every byte of it. Raises `SecretUnavailable`."""
    return Resolver(folder, allowed=ANY_PROGRAM).resolve(reference, raw=True)


def store_secret(reference: Reference, value: bytes, folder: Path) -> tuple[Diagnostic, ...]:
    """Keep `value` where `reference` leads; `folder` is the stack's. Returns warnings.

    One line end at its end is taken away, unless it is PEM, which keeps its own. Raises `UsageError` for a value
    that is none, `SecretUnavailable`.
    """
    from pmtaform.pem import is_pem

    content = value.rstrip(b"\r\n") + b"\n" if is_pem(value) else _without_line_end(value)
    if not content:
        detail = "An empty value is not a secret. Nothing was changed."
        raise UsageError.of(EMPTY_SECRET, detail)
    if len(content) > 1 << 20:
        detail = "It is larger than 1 MiB, which no key or password is. Nothing was changed."
        raise UsageError.of(SECRET_TOO_LARGE, detail)
    resolver = Resolver(folder)
    path = resolver.file_of(reference)
    missing = _first_missing(path) if path is not None else None
    resolver.store(reference, Secret(content, str(reference)))
    if path is None:
        return ()
    if missing is not None and missing.is_relative_to(folder):
        with suppress(OSError):
            (missing / ".gitignore").write_text(_IGNORE, encoding="utf-8")
    return _seen_by_git(reference, path)


def remove_secret(reference: Reference, folder: Path) -> bool:
    """Delete what `reference` leads to; whether there was anything. Raises `SecretUnavailable`."""
    return Resolver(folder).remove(reference)


def needs_folder(reference: Reference) -> bool:
    """Whether a reference means another thing in another stack: a relative path, or a program run in its folder."""
    return reference.kind.is_of_stack(reference.name)


def _without_line_end(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value


def _first_missing(path: Path) -> Path | None:
    """The topmost folder above `path` that is not there yet."""
    missing = None
    for folder in path.parents:
        if os.path.lexists(folder):
            break
        missing = folder
    return missing


def _seen_by_git(reference: Reference, path: Path) -> tuple[Diagnostic, ...]:
    """A warning when Git would take the file, or has it already."""
    try:
        command = ["git", "-C", str(path.parent), "check-ignore", "--quiet", "--", path.name]
        code = subprocess.run(command, capture_output=True, timeout=10, check=False).returncode
    except (OSError, subprocess.SubprocessError):
        return ()
    if code != 1:
        return ()  # 0: ignored, 128: no repository
    detail = f"{reference} is in a Git repository that does not ignore it: the next commit may contain the secret, and "
    detail += f"history keeps it. Add {path.name} to a .gitignore, or keep it in a keyring: keyring:NAME."
    note = SECRET_IN_GIT.diagnostic(detail)
    return (note,)
