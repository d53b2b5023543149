"""The secrets that a stack refers to."""

from __future__ import annotations

from collections.abc import Callable

from pmtaform.diagnostics import Place
from pmtaform.model.desired import Desired
from pmtaform.pem import is_pem
from pmtaform.secrets import Reference, Resolver, Secret, require_reference
from pmtaform.stack.compile import compile_host
from pmtaform.stack.project_file import allowed_programs
from pmtaform.stack.stack import Stack

Resolve = Callable[[str, Place | None], Secret]


def resolver_for(stack: Stack) -> Resolve:
    """What leads a stack's secret references to values, each asked for once.

    A PEM file keeps its lines and ends with one line end; any other value loses the one that a tool adds.
    """
    resolver = Resolver(stack.folder, allowed=allowed_programs(stack.folder))

    def resolve(reference: str, place: Place | None) -> Secret:
        parsed: Reference = require_reference(reference, place=place)
        secret = resolver.resolve(parsed, place=place)
        value = secret.reveal()
        if is_pem(value):
            return Secret(value.rstrip(b"\r\n") + b"\n", secret.reference)
        return secret

    return resolve


def desired_of(stack: Stack, host: str, *, secrets: bool) -> Desired:
    """The desired configuration of one host; with `secrets`, references are resolved."""
    return compile_host(stack, host, resolver_for(stack) if secrets else None)
