"""The library behind the command line: load a stack, make a plan, apply it. It prints nothing.

    stack files ─▶ load_stack ─▶ make_plan ─▶ Planned ─▶ apply_plan ─▶ RunResult

`apply_plan` is the only way to change a host's files forward; a saved plan is made again and compared before it is
applied, so there is one path, never two.
"""

from pmtaform.api.applying import apply_plan, check_allowed, check_consent
from pmtaform.api.drifting import DriftReport, drift_of
from pmtaform.api.effects import effects_of
from pmtaform.api.hosts import desired_of
from pmtaform.api.planning import Choice, Planned, make_plan, plan_again
from pmtaform.api.project import Project
from pmtaform.api.restoring import forget_host, generations_of, release_host, roll_back
from pmtaform.stack import compile_host, load_stack

__all__ = [
    "Choice",
    "DriftReport",
    "Planned",
    "Project",
    "apply_plan",
    "check_allowed",
    "check_consent",
    "compile_host",
    "desired_of",
    "drift_of",
    "effects_of",
    "forget_host",
    "generations_of",
    "load_stack",
    "make_plan",
    "plan_again",
    "release_host",
    "roll_back",
]
