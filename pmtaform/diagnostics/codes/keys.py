"""DKIM keys."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

DKIM_NAME: Final = Definition(
    code="dkim-name",
    summary="Invalid name of a DKIM key",
    kind=Kind.INVALID,
    explanation=(
        "A key under dkim-keys is called DOMAIN/SELECTOR, both valid DNS names; * is allowed as the domain. "
        "Correct the name."
    ),
)
DKIM_PATH: Final = Definition(
    code="dkim-path",
    summary="Key file path missing or taken",
    kind=Kind.INVALID,
    explanation=(
        "A key for all domains needs a path, and no two files of a host may have the same path. Give the key "
        "its own path."
    ),
)
DKIM_MODE: Final = Definition(
    code="dkim-mode",
    summary="Key file mode not allowed",
    kind=Kind.INVALID,
    explanation=(
        "The file of a private key is 0600, 0400, 0640 or 0440, so that other users of the host cannot read it. "
        "Correct the mode."
    ),
)
DKIM_OWNER: Final = Definition(
    code="dkim-owner",
    summary="Invalid owner or group of a key file",
    kind=Kind.INVALID,
    explanation="The owner or group is not the name of a user or a group. Write a name that exists on the host.",
)
UNKNOWN_SIGNER: Final = Definition(
    code="unknown-signer",
    summary="Unknown virtual MTA under signs",
    kind=Kind.INVALID,
    explanation=(
        "The host has no virtual MTA and no pool of this name, so the key would sign nothing. Declare it, correct "
        "the name, or omit signs for all."
    ),
)
DKIM_NOT_SIGNING: Final = Definition(
    code="dkim-not-signing",
    summary="DKIM key without signatures",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "No domain has dkim-sign yes for the virtual MTAs of the key, and the default is no, so mail goes out "
        "unsigned. Write dkim-sign: yes into the domains whose mail the key signs."
    ),
)
DKIM_UNDECLARED: Final = Definition(
    code="dkim-undeclared",
    summary="DKIM key not declared",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "A domain-key line names a key file for which dkim-keys has no entry, so pmtaform cannot know what its "
        "record should be. Declare the key under dkim-keys; pmtaform dkim verify compares the hosts with DNS."
    ),
)
DKIM_KEY_DAMAGED: Final = Definition(
    code="dkim-key-damaged",
    summary="Private key not readable",
    kind=Kind.INVALID,
    explanation=(
        "The value is not a private key in PEM form, or a line of it was lost or changed. Copy the file again "
        "from where the key was made."
    ),
)
DKIM_KEY_NOT_PRIVATE: Final = Definition(
    code="dkim-key-not-private",
    summary="Public key in place of a private key",
    kind=Kind.INVALID,
    explanation=(
        "The file holds a public key or a certificate, which cannot sign. Give the private key that belongs to it."
    ),
)
DKIM_KEY_SEVERAL: Final = Definition(
    code="dkim-key-several",
    summary="Several private keys in a file",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA does not document which of several keys would sign. Keep one key per file, each under its own "
        "selector."
    ),
)
DKIM_KEY_ENCRYPTED: Final = Definition(
    code="dkim-key-encrypted",
    summary="Private key without its passphrase",
    kind=Kind.INVALID,
    explanation=(
        "The private key is encrypted, and the stack gives no passphrase. Write passphrase: REFERENCE under the "
        "key, or store the key unencrypted."
    ),
)
DKIM_KEY_PASSPHRASE: Final = Definition(
    code="dkim-key-passphrase",
    summary="Wrong passphrase of a private key",
    kind=Kind.INVALID,
    explanation=(
        "The passphrase does not decrypt the private key, or the file is damaged. Try it by hand: openssl rsa -in "
        "FILE -noout."
    ),
)
DKIM_KEY_TYPE: Final = Definition(
    code="dkim-key-type",
    summary="Private key of the wrong type",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA signs with RSA keys, and the private key has another type. Make an RSA key: pmtaform dkim generate."
    ),
)
DKIM_KEY_TOO_SHORT: Final = Definition(
    code="dkim-key-too-short",
    summary="Private key too short",
    kind=Kind.INVALID,
    explanation=(
        "Verifiers accept no signature with a key under 1024 bits (RFC 8301), and such a key can be broken. Make "
        "a key of 2048 bits under a new selector."
    ),
)
DKIM_KEY_BITS: Final = Definition(
    code="dkim-key-bits",
    summary="Key size not supported",
    kind=Kind.INVALID,
    explanation=(
        "A key has 1024 to 4096 bits, in steps of 256. Verifiers need not accept other sizes; 2048 is the usual one."
    ),
)
DKIM_KEY_SHORT: Final = Definition(
    code="dkim-key-short",
    summary="Short signing key",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation="Verifiers accept keys from 1024 bits, and RFC 8301 advises 2048. Rotate to a longer key.",
)
DKIM_KEY_LONG: Final = Definition(
    code="dkim-key-long",
    summary="Long signing key",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation="Verifiers need not accept keys over 4096 bits, and many do not. Rotate to a key of 2048 bits.",
)
