"""Secrets in clear text: a value in a stack is in every copy of its repository, for ever."""

from __future__ import annotations

from pmtaform.lang.catalogue import DirectiveSpec


def in_clear(spec: DirectiveSpec) -> str:
    """The reason against a secret in clear text, and the remedy; the value is not repeated."""
    return (
        f"`{spec.name}` is a secret, and everyone who can read the stack can read it. "
        f"Write {secret_form(spec)} with a keyring:, env:, file: or command: reference."
    )


def secret_form(spec: DirectiveSpec) -> str:
    """How a reference to a directive's secret is written."""
    return "{secret: REFERENCE}" if spec.sensitive == "value" else "{value: FILE, secret: REFERENCE}"
