"""Files of the project."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

PROJECT_FILE: Final = Definition(
    code="project-file",
    summary="Invalid project file",
    kind=Kind.INVALID,
    explanation=(
        "The project file is a mapping with the list of programs that a stack may run. Write allow-commands: [PROGRAM]."
    ),
)
FILE_CHANGED: Final = Definition(
    code="file-changed",
    summary="File changed during the command",
    kind=Kind.FAILED,
    explanation=(
        "Another program changed the file after pmtaform read it, so pmtaform left it unchanged. Run the command again."
    ),
)
FILE_NOT_WRITTEN: Final = Definition(
    code="file-not-written",
    summary="File not written",
    kind=Kind.FAILED,
    explanation=(
        "The operating system denies writing the formatted file, which is unchanged. Correct the permissions of "
        "the file and its folder."
    ),
)
IMPORT_NOT_WRITTEN: Final = Definition(
    code="import-not-written",
    summary="Stack not written",
    kind=Kind.FAILED,
    explanation=(
        "The operating system denies writing the imported stack, and nothing of it was kept. Correct the "
        "permissions of the project's folder, or make room on the disk."
    ),
)
PLAN_NOT_WRITTEN: Final = Definition(
    code="plan-not-written",
    summary="Plan file not written",
    kind=Kind.FAILED,
    explanation="The operating system denies writing the plan file. Name another path with --out.",
)
SECRET_IN_GIT: Final = Definition(
    code="secret-in-git",
    summary="Secret file not ignored by Git",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The file of the secret is in a Git repository that does not ignore it, so the next commit may contain "
        "the secret for ever. Add the file to .gitignore, or keep the secret in a keyring."
    ),
)
SECRET_UNUSED: Final = Definition(
    code="secret-unused",
    summary="Secret not used",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "No host of the stack refers to the secret that was just written. Its name may be misspelled; compare it "
        "with the references in the stack."
    ),
)
NOT_POWERMTA: Final = Definition(
    code="not-powermta",
    summary="File not in PowerMTA's language",
    kind=Kind.INVALID,
    explanation=(
        "The file is YAML, a script or another format, or pmtaform knows hardly any of its lines. Name a native "
        "PowerMTA configuration file."
    ),
)
PLUGIN_BROKEN: Final = Definition(
    code="plugin-broken",
    summary="Plug-in not usable",
    kind=Kind.FAILED,
    explanation=(
        "An installed distribution adds something to pmtaform that cannot be loaded, has an invalid name, or has "
        "a name that is taken. Upgrade that distribution, or remove it with pip uninstall."
    ),
)
BUG: Final = Definition(
    code="bug",
    summary="Bug in pmtaform",
    kind=Kind.BUG,
    explanation=(
        "pmtaform failed in a way that its authors did not expect. The host keeps what it has, or rolls back by "
        "itself. Please report the error with the detail."
    ),
)
