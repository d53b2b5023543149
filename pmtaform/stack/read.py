"""From the YAML files of a folder to a `Stack`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import PATH_NOT_ALLOWED, UNKNOWN_GROUP
from pmtaform.diagnostics.codes.yaml import STACK_NAME, STACK_NAME_DIFFERS
from pmtaform.errors import UsageError
from pmtaform.model.desired import Limits, Unmanaged
from pmtaform.model.operations import Operations
from pmtaform.stack import shapes
from pmtaform.stack.assets import Assets
from pmtaform.stack.build import StackRules
from pmtaform.stack.dns import read_dns
from pmtaform.stack.document import Document, read_document
from pmtaform.stack.file_plans import files_of
from pmtaform.stack.findings import unique
from pmtaform.stack.hosts import HostDefaults, read_host
from pmtaform.stack.lifecycle import read_lifecycle
from pmtaform.stack.locate import find_project
from pmtaform.stack.mappings import mapping_in, named_nodes
from pmtaform.stack.names import version_of
from pmtaform.stack.native import NativeFiles, entries_of
from pmtaform.stack.nodes import Mapping, Node, is_null
from pmtaform.stack.operations import merged, read_operations, read_rollout
from pmtaform.stack.paths import ALWAYS, folder_problem
from pmtaform.stack.stack import Stack, StackHost, StackLayer
from pmtaform.stack.validate import validate
from pmtaform.stack.variables import Variables, check_variables, resolve

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


def read_stack(folder: Path, problems: Diagnostics) -> Stack:
    """Return the stack in `folder`. What is wrong goes into `problems` and is left out of the stack."""
    folder = folder.absolute()
    shown = _shown(folder)
    document = read_document(folder, shown, problems)
    top = validate(shapes.STACK, document.root, "A stack", problems)
    _check_name(document, top.get("stack"), folder, problems)
    allowed = _allowed_paths(document, top.get("allowed-paths", []), problems)
    rules = StackRules(strict=top.get("strict", False), powermta=version_of(top.get("powermta")))
    natives = NativeFiles(folder, shown, rules)
    base = _layer("stack", document.root, problems)
    groups = _groups(document.root.get("groups"), problems)
    hosts, own = _hosts(document, folder, allowed, groups, problems)
    stack = Stack(
        name=folder.name,
        folder=folder,
        shown=shown,
        powermta=top.get("powermta"),
        hosts=hosts,
        unmanaged=Unmanaged(top.get("unmanaged", "keep")),
        lifecycle=base.lifecycle,
        limits=_limits(document.root.get("limits"), problems),
        strict=rules.strict,
        allowed_paths=allowed,
        rollout=read_rollout(document.root.get("rollout"), problems),
        operations=_operations(hosts, base, groups, own, problems),
        dns=read_dns(document.root.get("dns"), problems),
        generations=top.get("generations", 10),
        base=base,
        groups=groups,
        own=own,
        rules=rules,
        natives=natives,
        assets=Assets(folder, shown),
    )
    return _with_files(stack, document, problems)


def _shown(folder: Path) -> str:
    try:
        relative = folder.relative_to(find_project(folder))
    except UsageError:
        return folder.name
    return relative.as_posix() if relative.parts else folder.name


def _check_name(document: Document, name: str | None, folder: Path, problems: Diagnostics) -> None:
    node = document.root.get("stack")
    if node is not None and name and name != folder.name:
        detail = f"`stack` is `{name}`, and the folder is `{folder.name}`. The state has the name of the folder, so a "
        detail += "copied folder with the old name would be taken for the old stack. Make them the same."
        problems.report(STACK_NAME_DIFFERS, detail, node.place)
    elif not _NAME.fullmatch(folder.name):
        detail = f"`{folder.name}`: a stack's name has small letters, digits and dashes, and no dash at its start."
        place = node.place if node else document.root.place
        problems.report(STACK_NAME, detail, place)


def _allowed_paths(document: Document, folders: list[str], problems: Diagnostics) -> tuple[str, ...]:
    paths = [ALWAYS]
    node = document.root.get("allowed-paths")
    for written in folders:
        path = written.rstrip("/") or "/"
        if problem := folder_problem(path):
            problems.report(PATH_NOT_ALLOWED, problem, node.place if node else None)
        elif path not in paths:
            paths.append(path)
    return tuple(paths)


def _layer(name: str, node: Mapping, problems: Diagnostics) -> StackLayer:
    return StackLayer(
        name=name,
        variables=check_variables(node.get("vars"), problems),
        config=node.get("config"),
        native=node.get("native"),
        keys=node.get("dkim-keys"),
        files=node.get("files"),
        lifecycle=read_lifecycle(node.get("lifecycle"), problems),
        operations=read_operations(node, f"The {name}", problems),
    )


def _operations(
    hosts: dict[str, StackHost],
    base: StackLayer,
    groups: dict[str, StackLayer],
    own: dict[str, StackLayer],
    problems: Diagnostics,
) -> dict[str, Operations]:
    """How each host is changed."""
    made = {}
    for name, host in hosts.items():
        layers = [base, *(groups[group] for group in host.groups if group in groups), own[name]]
        made[name] = merged([dict(layer.operations) for layer in layers], host.place, name, problems)
    return made


def _named(node: Node | None, what: str, problems: Diagnostics) -> list[tuple[str, Mapping]]:
    """The entries of a mapping from names to mappings; null is an empty mapping."""
    named: list[tuple[str, Mapping]] = []
    for key, value in named_nodes(node, what, "`NAME: {...}`", problems):
        body = mapping_in(value, f"`{key.text}`", "`key: value`", problems)
        if body is not None:
            named.append((key.text, body))
        elif is_null(value):
            named.append((key.text, Mapping(key.line, key.column, key.file)))
    return named


def _groups(node: Node | None, problems: Diagnostics) -> dict[str, StackLayer]:
    groups: dict[str, StackLayer] = {}
    for name, body in _named(node, "groups", problems):
        validate(shapes.GROUP, body, f"The group {name}", problems)
        groups[name] = _layer(f"group {name}", body, problems)
    return groups


def _hosts(
    document: Document, folder: Path, allowed: tuple[str, ...], groups: dict[str, StackLayer], problems: Diagnostics
) -> tuple[dict[str, StackHost], dict[str, StackLayer]]:
    ssh = document.root.get("ssh")
    values = validate(shapes.SSH, ssh, "`ssh`", problems)
    defaults = HostDefaults(ssh=ssh, values=values, folder=folder, allowed=allowed)
    hosts: dict[str, StackHost] = {}
    own: dict[str, StackLayer] = {}
    for name, node in _named(document.root.get("hosts"), "hosts", problems):
        host = read_host(name, node, defaults, problems)
        for group in host.groups:
            if group not in groups:
                at = node.get("groups")
                detail = f"The host {name} is in `{group}`, and no such group is under `groups`."
                detail += did_you_mean(group, groups)
                problems.report(UNKNOWN_GROUP, detail, at.place if at else host.place)
        hosts[name] = host
        own[name] = _layer(f"host {name}", node, problems)
    return hosts, own


def _limits(node: Node | None, problems: Diagnostics) -> Limits:
    values = validate(shapes.LIMITS, node, "`limits`", problems)
    plain = Limits()
    return Limits(
        deletions_percent=values.get("deletions", plain.deletions_percent),
        deletions_free=values.get("deletions-free", plain.deletions_free),
        rate_factor=values.get("rate-factor", plain.rate_factor),
    )


def _with_files(stack: Stack, document: Document, problems: Diagnostics) -> Stack:
    """The stack with its digest. The files that it names are read here, so that it covers them."""
    uses = _read_named_files(stack, problems)
    named = [*stack.natives.digests(), *stack.assets.digests()]
    contents = [*document.contents, *((f"{stack.shown}/{name}", digest.encode("ascii")) for name, digest in named)]
    whole = hashlib.sha256()
    for name, data in contents:
        # The name within the stack: the digest is the same wherever the project lies.
        inner = name.removeprefix(stack.shown + "/").encode("utf-8", "surrogatepass")
        whole.update(b"%d %d\n%s" % (len(inner), len(data), inner))
        whole.update(data)
    warnings = tuple(unique(d for d in problems))
    files = tuple(name for name, _ in contents)
    return replace(stack, digest=whole.hexdigest(), files=files, own_diagnostics=warnings, uses=uses)


def _read_named_files(stack: Stack, problems: Diagnostics) -> dict[str, tuple[tuple[str, str], ...]]:
    """Read every native file, and every file to be put on a host, that some host uses.

    Return the names and digests of each host's files.
    """
    quiet = Diagnostics()
    uses = {}
    for name in stack.hosts:
        layers = stack.layers(name)
        variables = resolve([layer.variables for layer in layers], name, quiet)
        used: dict[str, str] = {}
        for layer in layers:
            used |= _read_natives(stack, layer, variables, problems)
            used |= _read_assets(stack, layer, variables, problems)
        uses[name] = tuple(used.items())
    return uses


def _read_natives(stack: Stack, layer: StackLayer, variables: Variables, problems: Diagnostics) -> dict[str, str]:
    """Read the native files of a layer."""
    used = {}
    for entry in entries_of(layer.native, variables, stack.allowed_paths, Diagnostics()):
        file = stack.natives.read(entry, problems)
        if file is not None:
            used[f"native {entry.file}"] = file.digest
            file.users += 1
    return used


def _read_assets(stack: Stack, layer: StackLayer, variables: Variables, problems: Diagnostics) -> dict[str, str]:
    """Read every file of the project that a layer puts on hosts."""
    quiet = Diagnostics()
    used = {}
    for plan in files_of(layer.files, variables, quiet).values():
        named = plan.text("file", quiet) if plan is not None else None
        content = stack.assets.read(*named, problems) if named is not None else None
        if named is not None and content is not None:
            used[f"asset {named[0]}"] = stack.assets.digest(named[0])
    return used
