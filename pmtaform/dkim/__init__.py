"""DKIM signing keys: what they are, their DNS records, signatures that prove them, and their rotation.

Pure: nothing here talks to a host, to DNS or to a store of secrets; whoever calls brings what they said.
"""

from pmtaform.dkim.keys import (
    SigningKey,
    describe_file,
    generate_key,
    load_private_key,
    one_key_in,
    same_private_key,
)

__all__ = ["SigningKey", "describe_file", "generate_key", "load_private_key", "one_key_in", "same_private_key"]
