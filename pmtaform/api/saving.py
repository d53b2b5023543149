"""Plan files: written for a later apply, and read again."""

from __future__ import annotations

from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.command_line import NO_SUCH_PLAN
from pmtaform.diagnostics.codes.plans import PLAN_UNREADABLE
from pmtaform.diagnostics.codes.project_files import PLAN_NOT_WRITTEN
from pmtaform.errors import PmtaformError, StateDamaged, UsageError
from pmtaform.plan.document import SavedPlan, dumps, load_saved
from pmtaform.planning.draft import Planned
from pmtaform.writing import replace_file


def save_plan(planned: Planned, path: Path) -> None:
    """Write a plan file atomically, readable for its owner only. Raises `PmtaformError`."""
    try:
        replace_file(path.absolute(), dumps(planned.plan, planned.key.seal_plan).encode("ascii"))
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
