"""Compile a stack into the desired configuration of each host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_HOST
from pmtaform.diagnostics.codes.language import (
    LINE_CONTINUATION,
    MALFORMED_TAG,
    STRAY_CLOSING_TAG,
    TAG_ON_DIRECTIVE_LINE,
    UNCLOSED_SECTION,
)
from pmtaform.diagnostics.codes.secrets import SECRET_UNAVAILABLE
from pmtaform.diagnostics.codes.stack import INTERNAL
from pmtaform.errors import Invalid, PmtaformError, SecretUnavailable, UsageError
from pmtaform.lang.blocks import SETTING, Address, Block, collect
from pmtaform.lang.late_definitions import declared_below
from pmtaform.lang.parsing import gc_paused, parse
from pmtaform.model.desired import Desired
from pmtaform.stack.content import Item, Key, Native
from pmtaform.stack.emit import Resolve, Writer
from pmtaform.stack.file_checks import expiring
from pmtaform.stack.file_plans import files_of
from pmtaform.stack.files import FileCompiler
from pmtaform.stack.findings import unique
from pmtaform.stack.key_plans import keys_of
from pmtaform.stack.keys import KeyCompiler
from pmtaform.stack.layering import layer_items, layered
from pmtaform.stack.rotations import retired_of
from pmtaform.stack.stack import Lifecycle, Stack
from pmtaform.stack.variables import resolve

# Definitions precede their uses (docs/powermta/language.md section 5): macros, settings, lists, then the rest.
_FIRST: Final = {"domain-macro": 0, SETTING: 1, "include": 1, "pattern-list": 2}
# Errors that make one item's lines part of another's. All other errors were reported when the item was read.
_BREAKS_OUT: Final = (UNCLOSED_SECTION, STRAY_CLOSING_TAG, MALFORMED_TAG, TAG_ON_DIRECTIVE_LINE, LINE_CONTINUATION)


def compile_host(stack: Stack, name: str, resolve: Resolve | None = None) -> Desired:
    """Return what the host `name` should have by the stack.

    Without `resolve`, no secret is looked up: sensitive values are `(secret REFERENCE)`, keys have no content.
    Raises `Invalid` with everything that is wrong, `SecretUnavailable` when only secrets are missing, and
    `UsageError` (code `unknown-host`) when there is no such host.
    """
    if name not in stack.hosts:
        detail = f"The stack {stack.name} has no host `{name}`.{did_you_mean(name, stack.hosts)}"
        raise UsageError.of(NO_SUCH_HOST, detail)
    problems = Diagnostics()
    desired = compile_into(stack, name, resolve, problems)
    raise_errors(problems)
    return desired


def compile_all(stack: Stack, resolve: Resolve | None = None, hosts: Iterable[str] | None = None) -> dict[str, Desired]:
    """The desired configuration of every host (or those in `hosts`). Raises as `compile_host`, for any of them."""
    problems = Diagnostics()
    compiled = {
        name: compile_into(stack, name, resolve, problems) for name in (stack.hosts if hosts is None else hosts)
    }
    raise_errors(problems)
    return compiled


def check_hosts(
    stack: Stack,
    problems: Diagnostics,
    *,
    but: Collection[str] = (),
    each: Callable[[Desired], None] | None = None,
) -> None:
    """Compile every host without secrets, and every layer that no host uses, for what is wrong with them.

    Hosts in `but` are compiled by the caller, or known to be right. `each` is called with every other host until there
    is an error.
    """
    for name in stack.hosts:
        if name not in but:
            desired = compile_into(stack, name, None, problems)
            if each is not None and not problems.has_errors:
                each(desired)
    used = {group for host in stack.hosts.values() for group in host.groups}
    spare = [layer for name, layer in stack.groups.items() if name not in used]
    for layer in spare if stack.hosts else [stack.base, *spare]:
        variables = resolve([stack.base.variables, layer.variables], None, problems, lenient=True)
        layer_items(stack, layer, variables, problems)
        keys_of(layer.keys, variables, problems)
        files_of(layer.files, variables, problems)


def check_expiry(stack: Stack, now: datetime) -> tuple[Diagnostic, ...]:
    """Warnings of certificates in a valid stack that have expired or soon will; no secret is looked up."""
    if all(layer.files is None for name in stack.hosts for layer in stack.layers(name)):
        return ()
    warnings = (one for name in stack.hosts for one in expiring(compile_host(stack, name).managed, now))
    return tuple(unique(warnings))


def raise_errors(problems: Diagnostics) -> None:
    """Raise `Invalid` for the errors in `problems`, or `SecretUnavailable` where only secrets are missing."""
    errors = problems.errors
    if not errors:
        return
    kind: type[PmtaformError] = SecretUnavailable if all(SECRET_UNAVAILABLE.describes(d) for d in errors) else Invalid
    raise kind.all(unique(problems))


def compile_into(stack: Stack, name: str, resolver: Resolve | None, problems: Diagnostics) -> Desired:
    """What the host `name` should have. Errors go into `problems`, and what they concern is omitted."""
    host = stack.hosts[name]
    with gc_paused():
        made = layered(stack, name, problems)
        items, targets = made.items, made.targets
        taken = {host.config_path, *targets.values()}
        files = KeyCompiler(stack.allowed_paths, resolver, problems).compile(made.keys, items, taken)
        blocks = _blocks(items, resolver, stack.shown, problems)
        compiler = FileCompiler(stack.allowed_paths, stack.assets, resolver, problems)
        managed = compiler.compile(made.files, blocks, files, taken)
    lifecycle = sum((layer.lifecycle for layer in stack.layers(name)), Lifecycle())
    return Desired(
        host=name,
        stack=stack.name,
        config=host.config_path,
        powermta=stack.powermta,
        blocks=blocks,
        files={address: path for address, path in targets.items() if address in blocks},
        keys=files,
        retired=retired_of(made.rotated, stack.selectors),
        managed=managed,
        unmanaged=stack.unmanaged,
        ignore=lifecycle.ignore,
        protect=lifecycle.protect,
        allowed_paths=stack.allowed_paths,
        limits=stack.limits,
        activates=host.activation != "none",
    )


def _blocks(
    items: dict[Key, Item], resolver: Resolve | None, shown: str, problems: Diagnostics
) -> dict[Address, Block]:
    ordered = _in_order(items)
    writer = Writer(resolver, problems)
    writer.items(ordered)
    tree = parse(writer.text, shown, origins=writer.origins)
    for error in (d for d in tree.diagnostics if d.is_any_of(*_BREAKS_OUT)):
        problems.report(INTERNAL, f"This is a bug: {error.detail}", error.place)
    made = collect((tree, node) for node in tree.children)
    blocks: dict[Address, Block] = {}
    for key, item in ordered.items():
        address = Address(*key)
        if isinstance(item, Native):
            blocks[item.block.address] = item.block
        elif address in made:
            blocks[address] = made[address]
    return blocks


def _in_order(items: Mapping[Key, Item]) -> dict[Key, Item]:
    """The items, what is used before what uses it; a list that a native file has below its source stays there."""
    natives = {item.block.address: item.block for item in items.values() if isinstance(item, Native)}
    below = {(address.kind, address.key) for address in declared_below(natives)}
    return dict(sorted(items.items(), key=lambda pair: 3 if pair[0] in below else _FIRST.get(pair[0][0], 3)))


def render(desired: Desired) -> dict[str, str]:
    """The configuration files that a host would have, were it empty: path -> text, the main file first."""
    from pmtaform.lang.edit import edit  # only `render` and `plan` need it
    from pmtaform.lang.includes import read_configuration

    empty = read_configuration(desired.config, {})
    files = edit(empty, desired.blocks, files=desired.files)
    texts = {path: files[path].text for path in sorted(files, key=lambda path: (path != desired.config, path))}
    return {desired.config: ""} | texts
