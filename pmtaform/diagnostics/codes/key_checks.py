"""Keys on hosts."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind

HOST_UNREACHABLE: Final = Definition(
    code="host-unreachable",
    summary="Host not checked",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "The host could not be reached, so nothing is known of its keys. Correct the connection as the detail "
        "says and check again."
    ),
)
HOST_FAILED: Final = Definition(
    code="host-failed",
    summary="Host check failed",
    kind=Kind.HOST_FAILED,
    explanation="The host was reached and could not be read. Correct what the detail names and check again.",
)
HOST_KEY_UNREADABLE: Final = Definition(
    code="host-key-unreadable",
    summary="Key file not readable on the host",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The file of the key on the host cannot be read. Correct its permissions, or log in as a user who may "
        "read it (sudo)."
    ),
)
HOST_KEY_MISSING: Final = Definition(
    code="host-key-missing",
    summary="Key file missing on the host",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The file of the key does not exist on the host, so PowerMTA cannot sign with it. Apply the stack; "
        "pmtaform plan shows the change."
    ),
)
HOST_KEY_FORM: Final = Definition(
    code="host-key-form",
    summary="Key file in another form",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The key file on the host has a form that PowerMTA may not read. Apply the stack, which writes the key in "
        "a form that it reads."
    ),
)
HOST_KEY_DIFFERS: Final = Definition(
    code="host-key-differs",
    summary="Key differs from the stack",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The key file on the host holds another key than the stack. pmtaform plan shows the difference; apply the "
        "stack if it is right."
    ),
)
STACK_KEY_UNKNOWN: Final = Definition(
    code="stack-key-unknown",
    summary="Key of the stack not available",
    kind=Kind.SECRET_UNAVAILABLE,
    explanation=(
        "The private key of the stack is not available here, so the key on the host could not be compared with "
        "it. Make the secret available and check again."
    ),
)
