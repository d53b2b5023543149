"""Plan files: written for a later apply, and read again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.command_line import NO_SUCH_PLAN
from pmtaform.diagnostics.codes.plans import PLAN_UNREADABLE
from pmtaform.diagnostics.codes.project_files import PLAN_NOT_WRITTEN
from pmtaform.errors import PmtaformError, StateDamaged, UsageError
from pmtaform.plan.document import SavedPlan, dumps, load_saved
from pmtaform.planning.draft import Planned


def save_plan(planned: Planned, path: Path) -> None:
    """Write a plan file atomically, readable for its owner only. Raises `PmtaformError`."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(dumps(planned.plan, planned.key.seal_plan))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise PmtaformError.of(
            PLAN_NOT_WRITTEN, f"{problem.strerror or problem}. Name another with --out.", place=Place(str(path))
        ) from None


def load_plan(path: Path) -> SavedPlan:
    """The plan in a file, not authenticated yet.

    Raises `UsageError` when there is none, `StateDamaged` when it cannot be read.
    """
    from pmtaform.reading import read_any

    try:
        content = read_any(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UsageError.of(NO_SUCH_PLAN, "Save one: pmtaform plan --out FILE.", place=Place(str(path))) from None
    except OSError as problem:
        raise StateDamaged.of(PLAN_UNREADABLE, f"{problem.strerror}.", place=Place(str(path))) from None
    return load_saved(content, str(path))
