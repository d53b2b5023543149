"""Terraform for PowerMTA: plan and apply the configuration of PowerMTA servers from Git.

from pmtaform import Project, load_stack, make_plan, apply_plan
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmtaform.api import Project, apply_plan, load_stack, make_plan

__version__ = "0.1.0"

__all__ = ["Project", "__version__", "apply_plan", "load_stack", "make_plan"]


def __getattr__(name: str) -> Any:
    """The library's entrances, imported when they are first used: `pmtaform --version` needs none of them."""
    if name in __all__:
        return getattr(import_module("pmtaform.api"), name)
    raise AttributeError(f"module 'pmtaform' has no attribute {name!r}")
