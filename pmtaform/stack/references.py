"""The secrets that a stack refers to: the place of each reference, its purpose, and the hosts that need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.errors import Invalid
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.parsing import gc_paused
from pmtaform.secrets import parse_reference
from pmtaform.stack.content import Item, Key, Lines, SectionBody, SectionItem
from pmtaform.stack.entries import StackEntry
from pmtaform.stack.findings import unique
from pmtaform.stack.layering import Layered, layered
from pmtaform.stack.nodes import Scalar
from pmtaform.stack.stack import Stack, StackHost
from pmtaform.stack.variables import substitute


class Purpose(StrEnum):
    """The purpose of a secret."""

    PASSWORD = "password"  # noqa: S105  (of the login)
    SUDO = "sudo"
    PASSPHRASE = "passphrase"  # noqa: S105
    DIRECTIVE = "directive"
    PRIVATE_KEY = "private-key"  # of DKIM
    FILE = "file"  # a file beside the configuration, or the private key of a certificate in it


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """One place of a stack that refers to a secret.

    `what` names its purpose: `sudo password`, `smtp-user app: password`, `dkim-key example.com/s1:
    private-key`. Of a directive, `scope` is the section that it is in, and `before` the text before the secret.
    `identity_files` are those that a passphrase is for.
    """

    reference: str
    what: str
    purpose: Purpose
    place: Place
    hosts: tuple[str, ...] = ()
    scope: str = ""
    directive: str = ""
    before: str = ""
    identity_files: tuple[str, ...] = ()


def secret_uses(stack: Stack) -> tuple[SecretUse, ...]:
    """Every use of a secret by the hosts of a stack, in the order of its files. Nothing is looked up.

    A reference that several hosts take from one place is one use with all of them. Raises `Invalid`.
    """
    problems = Diagnostics()
    hosts: dict[SecretUse, list[str]] = {}
    files: dict[SecretUse, list[str]] = {}
    with gc_paused():
        for name, host in stack.hosts.items():
            made = layered(stack, name, problems)
            items = _of_items(made.items, (), GLOBAL)
            for use in (*_of_connection(host), *items, *_of_keys(made, problems), *_of_files(made, problems)):
                one = replace(use, identity_files=())
                hosts.setdefault(one, []).append(name)
                files.setdefault(one, []).extend(use.identity_files)
    if problems.has_errors:
        raise Invalid.all(unique(problems))
    uses = (
        replace(use, hosts=tuple(dict.fromkeys(names)), identity_files=tuple(dict.fromkeys(files[use])))
        for use, names in hosts.items()
    )
    return tuple(sorted(uses, key=lambda use: (use.place.file, use.place.line or 0, use.place.column or 0)))


_CONNECTION: Final = {
    "password": (Purpose.PASSWORD, "login password"),
    "sudo": (Purpose.SUDO, "sudo password"),
    "passphrase": (Purpose.PASSPHRASE, "passphrase of the SSH key"),
}


def _of_connection(host: StackHost) -> Iterator[SecretUse]:
    references = {"password": host.password, "sudo": host.sudo_password, "passphrase": host.passphrase}
    for key, reference in references.items():
        if reference is not None:
            purpose, what = _CONNECTION[key]
            files = host.identity_files if purpose is Purpose.PASSPHRASE else ()
            place = host.places.get(key, host.place)
            yield SecretUse(reference=reference, what=what, purpose=purpose, place=place, identity_files=files)


def _of_items(items: Mapping[Key, Item], within: tuple[str, ...], scope: str) -> Iterator[SecretUse]:
    for item in items.values():
        if isinstance(item, Lines):
            for line in item.lines:
                if line.secret is not None:
                    yield SecretUse(
                        reference=line.secret,
                        what=": ".join((*within, line.name)),
                        purpose=Purpose.DIRECTIVE,
                        place=line.place,
                        scope=scope,
                        directive=line.name,
                        before=line.value,
                    )
        elif isinstance(item, SectionItem):
            inner = (*within, f"{item.tag} {item.argument}".strip())
            for body in item.bodies:
                if isinstance(body, SectionBody):
                    yield from _of_items(body.items, inner, item.tag)


def _of_keys(made: Layered, problems: Diagnostics) -> Iterable[SecretUse]:
    for name, plan in made.keys.items():
        for field, purpose in (("private-key", Purpose.PRIVATE_KEY), ("passphrase", Purpose.PASSPHRASE)):
            reference, place = _field(plan, field, problems)
            if reference is not None:
                what = f"dkim-key {name}: {field}"
                yield SecretUse(reference=reference, what=what, purpose=purpose, place=place)


def _of_files(made: Layered, problems: Diagnostics) -> Iterator[SecretUse]:
    for path, plan in made.files.items():
        for field in ("secret", "private-key"):
            reference, place = _field(plan, field, problems)
            if reference is not None:
                yield SecretUse(reference=reference, what=f"file {path}: {field}", purpose=Purpose.FILE, place=place)


def _field(plan: StackEntry, field: str, problems: Diagnostics) -> tuple[str | None, Place]:
    """The reference in a field of a key or a file; None where there is none."""
    node, variables = plan.fields.get(field, (None, None))
    if not isinstance(node, Scalar) or node.is_null or variables is None:
        return None, plan.place
    text = substitute(node, variables, problems)
    try:
        parsed = parse_reference(text, place=node.place) if text is not None else None
    except Invalid as error:
        problems.extend(error.diagnostics)
        parsed = None
    return (None if parsed is None else str(parsed)), node.place
