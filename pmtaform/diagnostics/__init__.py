"""What is wrong, as data: the diagnostic, its kinds, and the one table of all codes (`codes/`, by area).

A new code is one constant in the module of its area; `docs/errors.md` and `pmtaform explain CODE` come from it.
"""

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Exit, Kind
from pmtaform.diagnostics.model import Diagnostic, Diagnostics, Place, Severity, did_you_mean, some_of

__all__ = ["Definition", "Diagnostic", "Diagnostics", "Exit", "Kind", "Place", "Severity", "did_you_mean", "some_of"]
