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
    from pmtaform.api.applying import ApplyRequest, apply_plan
    from pmtaform.api.dns import check_stack_dns, dns_facts, dns_records
    from pmtaform.api.drifting import DriftReport, drift_of
    from pmtaform.api.effects import effects_of
    from pmtaform.api.fleet import HostRow, fleet_of
    from pmtaform.api.history import HistoryReport, history_of
    from pmtaform.api.recovering import Recovered, recover_hosts
    from pmtaform.api.restoring import forget_host, generations_of, look_back, release_host, roll_back, to_undo
    from pmtaform.api.resuming import resumable
    from pmtaform.api.rotation import rotate_keys
    from pmtaform.api.saving import load_plan, save_plan
    from pmtaform.api.secret_checks import CheckedSecret, check_secrets
    from pmtaform.model.choice import Choice
    from pmtaform.planning.consent import check_allowed, check_consent
    from pmtaform.planning.draft import Planned
    from pmtaform.planning.pipeline import make_plan
    from pmtaform.planning.replan import plan_again
    from pmtaform.planning.request import PlanRequest
    from pmtaform.project import Project
    from pmtaform.secrets.store import holds_secret, needs_folder, read_secret, remove_secret, store_secret
    from pmtaform.signing.rotate import RotationReport
    from pmtaform.stack import compile_host, load_stack
    from pmtaform.stack.resolve import desired_of

_HOMES = {
    "ApplyRequest": "pmtaform.api.applying",
    "CheckedSecret": "pmtaform.api.secret_checks",
    "Choice": "pmtaform.model.choice",
    "DriftReport": "pmtaform.api.drifting",
    "HistoryReport": "pmtaform.api.history",
    "HostRow": "pmtaform.api.fleet",
    "PlanRequest": "pmtaform.planning.request",
    "Planned": "pmtaform.planning.draft",
    "Project": "pmtaform.project",
    "apply_plan": "pmtaform.api.applying",
    "check_allowed": "pmtaform.planning.consent",
    "check_consent": "pmtaform.planning.consent",
    "check_secrets": "pmtaform.api.secret_checks",
    "check_stack_dns": "pmtaform.api.dns",
    "compile_host": "pmtaform.stack",
    "desired_of": "pmtaform.stack.resolve",
    "dns_facts": "pmtaform.api.dns",
    "dns_records": "pmtaform.api.dns",
    "drift_of": "pmtaform.api.drifting",
    "effects_of": "pmtaform.api.effects",
    "fleet_of": "pmtaform.api.fleet",
    "forget_host": "pmtaform.api.restoring",
    "generations_of": "pmtaform.api.restoring",
    "holds_secret": "pmtaform.secrets.store",
    "history_of": "pmtaform.api.history",
    "import_stack": "pmtaform.api.adopting",
    "load_stack": "pmtaform.stack",
    "load_plan": "pmtaform.api.saving",
    "make_plan": "pmtaform.planning.pipeline",
    "needs_folder": "pmtaform.secrets.store",
    "plan_again": "pmtaform.planning.replan",
    "read_secret": "pmtaform.secrets.store",
    "release_host": "pmtaform.api.restoring",
    "remove_secret": "pmtaform.secrets.store",
    "Recovered": "pmtaform.api.recovering",
    "recover_hosts": "pmtaform.api.recovering",
    "resumable": "pmtaform.api.resuming",
    "look_back": "pmtaform.api.restoring",
    "roll_back": "pmtaform.api.restoring",
    "rotate_keys": "pmtaform.api.rotation",
    "save_plan": "pmtaform.api.saving",
    "RotationReport": "pmtaform.signing.rotate",
    "store_secret": "pmtaform.secrets.store",
    "to_undo": "pmtaform.api.restoring",
}

__all__ = [
    "ApplyRequest",
    "CheckedSecret",
    "Choice",
    "DriftReport",
    "HistoryReport",
    "HostRow",
    "PlanRequest",
    "Planned",
    "Project",
    "Recovered",
    "RotationReport",
    "apply_plan",
    "check_allowed",
    "check_consent",
    "check_secrets",
    "check_stack_dns",
    "compile_host",
    "desired_of",
    "dns_facts",
    "dns_records",
    "drift_of",
    "effects_of",
    "fleet_of",
    "forget_host",
    "generations_of",
    "history_of",
    "holds_secret",
    "import_stack",
    "load_plan",
    "load_stack",
    "look_back",
    "make_plan",
    "needs_folder",
    "plan_again",
    "read_secret",
    "recover_hosts",
    "release_host",
    "remove_secret",
    "resumable",
    "roll_back",
    "rotate_keys",
    "save_plan",
    "store_secret",
    "to_undo",
]


def __getattr__(name: str) -> Any:
    """Import each function at its first use: a plan does not load the modules of a comparison."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pmtaform.api' has no attribute {name!r}")
