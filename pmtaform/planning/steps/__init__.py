"""The features that take part in making a plan: one module and one line each."""

from __future__ import annotations

from typing import Final

from pmtaform.planning.step import Step
from pmtaform.planning.steps.dangers import DangersStep
from pmtaform.planning.steps.dns import DnsStep
from pmtaform.planning.steps.expiry import ExpiryStep
from pmtaform.planning.steps.freeze import FreezeStep
from pmtaform.planning.steps.lint import LintStep
from pmtaform.planning.steps.rotation import RotationStep

# In the order in which their notes appear.
STEPS: Final[tuple[type[Step], ...]] = (
    ExpiryStep,
    FreezeStep,
    DangersStep,
    LintStep,
    DnsStep,
    RotationStep,
)
