"""Commands on keys and secrets."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind

TOO_MANY_ARGUMENTS: Final = Definition(
    code="too-many-arguments",
    summary="Too many arguments",
    kind=Kind.USAGE,
    explanation=(
        "The command accepts a key (DOMAIN or DOMAIN/SELECTOR) and a stack, and the command line has more words. "
        "Remove the others."
    ),
)
NO_SUCH_KEY: Final = Definition(
    code="no-such-key",
    summary="Unknown DKIM key",
    kind=Kind.USAGE,
    explanation=(
        "The stack has no DKIM key of this name. Check the domain and the selector against dkim-keys in the stack."
    ),
)
AMBIGUOUS_KEY: Final = Definition(
    code="ambiguous-key",
    summary="Ambiguous DKIM key",
    kind=Kind.USAGE,
    explanation=(
        "The domain has several keys that fit, or the stack keeps one key in several places. Write "
        "DOMAIN/SELECTOR, or choose the place with --to REFERENCE."
    ),
)
AMBIGUOUS_PASSPHRASE: Final = Definition(
    code="ambiguous-passphrase",
    summary="Ambiguous passphrase",
    kind=Kind.USAGE,
    explanation=(
        "Layers of the stack give one key different passphrases, and a key has one. Write the same passphrase for "
        "all hosts of the key."
    ),
)
BAD_KEY_NAME: Final = Definition(
    code="bad-key-name",
    summary="Invalid name of a DKIM key",
    kind=Kind.USAGE,
    explanation=(
        "The name of a key is DOMAIN/SELECTOR, both valid DNS names. Write the name that the record of the key "
        "has in DNS."
    ),
)
DKIM_KEY_EXISTS: Final = Definition(
    code="dkim-key-exists",
    summary="DKIM key already exists",
    kind=Kind.USAGE,
    explanation=(
        "The place of the key already has a value, and pmtaform overwrites no key, because signed mail may still "
        "need it. Choose a new selector, or delete the old key first."
    ),
)
KEY_PLACE_NOT_WRITABLE: Final = Definition(
    code="key-place-not-writable",
    summary="Key place not writable",
    kind=Kind.USAGE,
    explanation=(
        "pmtaform writes keys to keyring: and file: references only; env: and command: references are read. Give "
        "--to keyring:NAME or --to file:PATH, and name that in the stack."
    ),
)
NO_KEY_PLACE: Final = Definition(
    code="no-key-place",
    summary="Place for the key missing",
    kind=Kind.USAGE,
    explanation="The value of --to is not a reference. Write --to keyring:NAME or --to file:PATH.",
)
KEY_ON_TERMINAL: Final = Definition(
    code="key-on-terminal",
    summary="Private key typed on a terminal",
    kind=Kind.USAGE,
    explanation=(
        "A terminal would show the private key that is pasted into it. Name the PEM file, or pipe the key into "
        "the command."
    ),
)
KEY_FILE_UNREADABLE: Final = Definition(
    code="key-file-unreadable",
    summary="Key file not readable",
    kind=Kind.USAGE,
    explanation=(
        "The operating system denies reading the file with the private key. Name the PEM file of the key, or - "
        "for standard input."
    ),
)
NO_ROTATION: Final = Definition(
    code="no-rotation",
    summary="No key to rotate",
    kind=Kind.USAGE,
    explanation=(
        "No key of the stack has rotation settings. Write them under a key in dkim-keys: rotation: {every: 90d}."
    ),
)
AMBIGUOUS_SECRET: Final = Definition(
    code="ambiguous-secret",
    summary="Ambiguous secret",
    kind=Kind.USAGE,
    explanation=(
        "The command line does not show which word is the secret and which one the stack, or no secret "
        "is named. Write the reference first and the stack second. Never write the value itself on the command "
        "line."
    ),
)
NO_VALUE: Final = Definition(
    code="no-value",
    summary="Value missing",
    kind=Kind.USAGE,
    explanation=(
        "The input ended before a value was typed, or the terminal cannot hide it. Give the value on standard input."
    ),
)
VALUE_MISTYPED: Final = Definition(
    code="value-mistyped",
    summary="Value mistyped",
    kind=Kind.USAGE,
    explanation="The two values that were typed differ, and nothing was changed. Run the command again.",
)
EMPTY_SECRET: Final = Definition(
    code="empty-secret",
    summary="Empty value",
    kind=Kind.USAGE,
    explanation=(
        "An empty value is not a secret, and nothing was changed. Check the command whose output is piped in."
    ),
)
SECRET_TOO_LARGE: Final = Definition(
    code="secret-too-large",
    summary="Value too large",
    kind=Kind.USAGE,
    explanation="The value is larger than 1 MiB, which no key or password is. Check the file that is piped in.",
)
SECRET_ON_TERMINAL: Final = Definition(
    code="secret-on-terminal",
    summary="Secret shown on a terminal",
    kind=Kind.USAGE,
    explanation=(
        "Printing the value would show it to everyone who can see the terminal. Add --show, or send the output "
        "into a pipe."
    ),
)
SECRET_EXISTS: Final = Definition(
    code="secret-exists",
    summary="Secret already exists",
    kind=Kind.USAGE,
    explanation=(
        "The reference already has a value, and there is no terminal to ask on. Add --overwrite to replace the value."
    ),
)
NO_SUCH_SECRET: Final = Definition(
    code="no-such-secret",
    summary="No such secret",
    kind=Kind.FAILED,
    explanation=(
        "The reference has no value, so there is nothing to delete. pmtaform secrets list shows the references of "
        "a stack."
    ),
)
