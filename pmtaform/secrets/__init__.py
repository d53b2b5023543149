"""Secrets: the type that holds one, and the providers that references lead to."""

from pmtaform.secrets.secret import Secret

__all__ = ["Secret"]
