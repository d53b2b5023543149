"""The choices of an import, and the forms that a block may have. The command line imports only these."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """The form of a stack's configuration (`--as`)."""

    YAML = "yaml"
    NATIVE = "native"


class KeysIn(StrEnum):
    """Where private DKIM keys are put (`--keys`). LEAVE: nowhere, they stay the server's own affair."""

    LEAVE = "leave"
    FILE = "file"
    KEYRING = "keyring"


class SecretsIn(StrEnum):
    """Where passwords are put (`--secrets`)."""

    FILE = "file"
    KEYRING = "keyring"
    ENV = "env"


class Form(StrEnum):
    """The form of one block in a stack. Each is tried when the one before it is not exact."""

    COPIED = "in a copied file"
    TYPED = "typed"
    TEXT = "as text in YAML"
    NATIVE = "in a native file"
    LEFT = "not in the stack"
    KEYED = "from dkim-keys"  # all its lines come from imported keys; nothing is tried before it
