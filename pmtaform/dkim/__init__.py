"""DKIM signing keys: what they are, their DNS records, signatures that prove them, and their rotation.

Pure: nothing here talks to a host, to DNS or to a secret store; callers pass in what these returned.
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
