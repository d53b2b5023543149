"""Secrets: the type that holds one, and the providers that references lead to."""

from pmtaform.secrets.fake import FakeSecrets
from pmtaform.secrets.provider import Provider, Store, Unresolved
from pmtaform.secrets.reference import (
    KEYRING,
    Reference,
    forms,
    is_scheme,
    named_reference,
    parse_reference,
    require_reference,
)
from pmtaform.secrets.resolver import Resolver
from pmtaform.secrets.secret import Secret

__all__ = [
    "KEYRING",
    "FakeSecrets",
    "Provider",
    "Reference",
    "Resolver",
    "Secret",
    "Store",
    "Unresolved",
    "forms",
    "is_scheme",
    "named_reference",
    "parse_reference",
    "require_reference",
]
