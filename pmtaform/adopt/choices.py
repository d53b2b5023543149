"""What the user chooses of an import, and how a block may be said. The command line needs these and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """How a stack says a configuration (`--as`)."""

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
    """How one block is said. Each is tried when the one before it would not be exact."""

    COPIED = "in a copied file"
    TYPED = "typed"
    TEXT = "as text in YAML"
    NATIVE = "in a native file"
    LEFT = "not said"
    KEYED = "from dkim-keys"  # all its lines are those of keys that were taken in; nothing is tried before it
