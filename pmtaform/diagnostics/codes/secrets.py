"""Secrets."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

SECRET_IN_CLEAR: Final = Definition(
    code="secret-in-clear",
    summary="Secret in clear text",
    kind=Kind.INVALID,
    explanation=(
        "The stack contains a password or a private key itself, so it is in Git, in every copy of the repository. "
        "Write a reference: keyring:NAME, env:NAME, file:PATH or command:PROGRAM. Change the secret, because its "
        "old value is in the history."
    ),
)
SECRET_REFERENCE: Final = Definition(
    code="secret-reference",
    summary="Invalid secret reference",
    kind=Kind.INVALID,
    explanation=(
        "A reference is keyring:NAME, env:NAME, file:PATH or command:PROGRAM, and the text after the colon is "
        "missing or not usable. Correct the reference."
    ),
)
REFERENCE_AS_VALUE: Final = Definition(
    code="reference-as-value",
    summary="Reference in place of a value",
    kind=Kind.INVALID,
    explanation=(
        "The directive would get the text of the reference itself, and pmtaform would look up nothing. Write "
        "{secret: REFERENCE} as its value."
    ),
)
SECRET_UNAVAILABLE: Final = Definition(
    code="secret-unavailable",
    summary="Secret not available",
    kind=Kind.SECRET_UNAVAILABLE,
    explanation=(
        "The place that the reference names has no value, or this machine cannot read it: an entry of the "
        "keyring, a variable of the environment, a file or a program is missing. Set it, for example with "
        "pmtaform secrets set, or change the reference in the stack."
    ),
)
SECRET_PLACE_NOT_WRITABLE: Final = Definition(
    code="secret-place-not-writable",
    summary="Secret place not writable",
    kind=Kind.SECRET_UNAVAILABLE,
    explanation=(
        "pmtaform reads references of this kind and does not write them. Change the value with the tool that "
        "keeps it, or use a keyring: or file: reference."
    ),
)
UNSAFE_SECRET: Final = Definition(
    code="unsafe-secret",
    summary="Secret not writable in a configuration",
    kind=Kind.INVALID,
    explanation=(
        "The value contains a line break or another character that PowerMTA's language cannot express. Change the "
        "secret."
    ),
)
BAD_SECRET: Final = Definition(
    code="bad-secret",
    summary="Secret in an unexpected form",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The value does not have the form that PowerMTA documents for the directive. Check it, and set it again "
        "with pmtaform secrets set."
    ),
)
PASSPHRASE_UNUSED: Final = Definition(
    code="passphrase-unused",
    summary="Passphrase without an encrypted key",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The SSH key is not encrypted, so its passphrase is not needed. Remove passphrase from the stack, or "
        "encrypt the key with ssh-keygen -p."
    ),
)
STATE_KEY: Final = Definition(
    code="state-key",
    summary="Key of the state not usable",
    kind=Kind.SECRET_UNAVAILABLE,
    explanation=(
        "The key that makes the digests of the state is damaged, is no regular file, or can be read by other "
        "users. Restore the file state/STACK.key and give it mode 0600. A new key costs the attribution of drift "
        "once, never safety."
    ),
)
