"""The library behind the command line: load a stack, make a plan, apply it. It prints nothing.

    stack files ─▶ load_stack ─▶ make_plan ─▶ Planned ─▶ apply_plan ─▶ RunResult

`apply_plan` is the only way to change a host's files forward; a saved plan is made again and compared before it is
applied, so there is one path, never two.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmtaform.api.adopting import import_stack
    from pmtaform.api.applying import apply_plan, check_allowed, check_consent
    from pmtaform.api.drifting import DriftReport, drift_of
    from pmtaform.api.effects import effects_of
    from pmtaform.api.hosts import desired_of
    from pmtaform.api.keeping import (
        Checked,
        check_secrets,
        holds_secret,
        needs_folder,
        read_secret,
        remove_secret,
        store_secret,
    )
    from pmtaform.api.planning import Choice, Planned, make_plan, plan_again
    from pmtaform.api.project import Project
    from pmtaform.api.restoring import forget_host, generations_of, release_host, roll_back, to_undo
    from pmtaform.stack import compile_host, load_stack

_HOMES = {
    "Checked": "pmtaform.api.keeping",
    "Choice": "pmtaform.api.planning",
    "DriftReport": "pmtaform.api.drifting",
    "Planned": "pmtaform.api.planning",
    "Project": "pmtaform.api.project",
    "apply_plan": "pmtaform.api.applying",
    "check_allowed": "pmtaform.api.applying",
    "check_consent": "pmtaform.api.applying",
    "check_secrets": "pmtaform.api.keeping",
    "compile_host": "pmtaform.stack",
    "desired_of": "pmtaform.api.hosts",
    "drift_of": "pmtaform.api.drifting",
    "effects_of": "pmtaform.api.effects",
    "forget_host": "pmtaform.api.restoring",
    "generations_of": "pmtaform.api.restoring",
    "holds_secret": "pmtaform.api.keeping",
    "import_stack": "pmtaform.api.adopting",
    "load_stack": "pmtaform.stack",
    "make_plan": "pmtaform.api.planning",
    "needs_folder": "pmtaform.api.keeping",
    "plan_again": "pmtaform.api.planning",
    "read_secret": "pmtaform.api.keeping",
    "release_host": "pmtaform.api.restoring",
    "remove_secret": "pmtaform.api.keeping",
    "roll_back": "pmtaform.api.restoring",
    "store_secret": "pmtaform.api.keeping",
    "to_undo": "pmtaform.api.restoring",
}

__all__ = [
    "Checked",
    "Choice",
    "DriftReport",
    "Planned",
    "Project",
    "apply_plan",
    "check_allowed",
    "check_consent",
    "check_secrets",
    "compile_host",
    "desired_of",
    "drift_of",
    "effects_of",
    "forget_host",
    "generations_of",
    "holds_secret",
    "import_stack",
    "load_stack",
    "make_plan",
    "needs_folder",
    "plan_again",
    "read_secret",
    "release_host",
    "remove_secret",
    "roll_back",
    "store_secret",
    "to_undo",
]


def __getattr__(name: str) -> Any:
    """Each entrance is imported when it is first used: a plan does not pay for what a comparison needs."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pmtaform.api' has no attribute {name!r}")
