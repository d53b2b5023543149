"""Terraform for PowerMTA: plan and apply the configuration of PowerMTA servers from Git.

from pmtaform import Project, make_plan, apply_plan      docs/library.md has a pipeline in ten lines
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmtaform.api import (
        ApplyRequest,
        Choice,
        DriftReport,
        Planned,
        PlanRequest,
        Project,
        apply_plan,
        check_consent,
        drift_of,
        load_plan,
        load_stack,
        make_plan,
        plan_again,
        save_plan,
    )
    from pmtaform.diagnostics import Diagnostic, Exit, Kind, Place, Severity
    from pmtaform.errors import (
        Blocked,
        HostError,
        Invalid,
        Locked,
        PmtaformError,
        SecretUnavailable,
        Stale,
        StateDamaged,
        Unreachable,
        UsageError,
    )
    from pmtaform.plan.dangers import danger_kinds
    from pmtaform.plan.document import SavedPlan
    from pmtaform.plan.model import Action, Change, Danger, HostPlan, Plan
    from pmtaform.progress import Event, Verdict
    from pmtaform.rollout.model import HostResult, RunResult

__version__ = "0.1.0"

_HOMES = {
    "pmtaform.api": (
        "ApplyRequest",
        "Choice",
        "DriftReport",
        "Planned",
        "PlanRequest",
        "Project",
        "apply_plan",
        "check_consent",
        "drift_of",
        "load_plan",
        "load_stack",
        "make_plan",
        "plan_again",
        "save_plan",
    ),
    "pmtaform.diagnostics": ("Diagnostic", "Exit", "Kind", "Place", "Severity"),
    "pmtaform.errors": (
        "Blocked",
        "HostError",
        "Invalid",
        "Locked",
        "PmtaformError",
        "SecretUnavailable",
        "Stale",
        "StateDamaged",
        "Unreachable",
        "UsageError",
    ),
    "pmtaform.plan.dangers": ("danger_kinds",),
    "pmtaform.plan.document": ("SavedPlan",),
    "pmtaform.plan.model": ("Action", "Change", "Danger", "HostPlan", "Plan"),
    "pmtaform.progress": ("Event", "Verdict"),
    "pmtaform.rollout.model": ("HostResult", "RunResult"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Action",
    "ApplyRequest",
    "Blocked",
    "Change",
    "Choice",
    "Danger",
    "Diagnostic",
    "DriftReport",
    "Event",
    "Exit",
    "HostError",
    "HostPlan",
    "HostResult",
    "Invalid",
    "Kind",
    "Locked",
    "Place",
    "Plan",
    "PlanRequest",
    "Planned",
    "PmtaformError",
    "Project",
    "RunResult",
    "SavedPlan",
    "SecretUnavailable",
    "Severity",
    "Stale",
    "StateDamaged",
    "Unreachable",
    "UsageError",
    "Verdict",
    "__version__",
    "apply_plan",
    "check_consent",
    "danger_kinds",
    "drift_of",
    "load_plan",
    "load_stack",
    "make_plan",
    "plan_again",
    "save_plan",
]


def __getattr__(name: str) -> Any:
    """The library's entrances, imported when they are first used: `pmtaform --version` needs none of them."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'pmtaform' has no attribute {name!r}")
