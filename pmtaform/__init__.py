"""Terraform for PowerMTA: plan and apply the configuration of PowerMTA servers from Git."""

__version__ = "0.1.0"
