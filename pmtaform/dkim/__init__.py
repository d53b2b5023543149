"""DKIM signing keys."""

from pmtaform.dkim.keys import same_private_key

__all__ = ["same_private_key"]
