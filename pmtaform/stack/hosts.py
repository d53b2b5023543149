"""One host under `hosts`: its own keys over the defaults of `ssh`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.errors import Invalid
from pmtaform.secrets import require_reference
from pmtaform.stack.nodes import Mapping, Node, is_null
from pmtaform.stack.paths import MAIN, path_problem
from pmtaform.stack.stack import StackHost, Transport

if TYPE_CHECKING:
    from pmtaform.stack.models import HostModel, SshModel


def read_host(
    name: str, node: Mapping, defaults: SshModel, folder: Path, allowed: tuple[str, ...], found: Diagnostics
) -> StackHost:
    """The host `name`. What is wrong with it goes into `found`, and its default takes its place."""
    from pmtaform.stack.models import HostModel
    from pmtaform.stack.validate import validate

    model = validate(HostModel, node, f"The host {name}", found)
    said = _Said(model, defaults, node, found)
    transport = Transport(model.transport or "ssh")
    if transport is Transport.LOCAL:
        _needs_root(name, model, node, found)
        _refuse_ssh_keys(name, node, found)
    sudo = said.value("sudo")
    password = sudo["password"] if isinstance(sudo, dict) else None
    return StackHost(
        name=name,
        place=node.place,
        transport=transport,
        root=_root(model, transport, node, folder, found),
        address=model.address or name,
        port=said.value("port"),
        user=said.value("user"),
        password=said.reference("password"),
        sudo=bool(sudo),
        sudo_password=_reference(password, node.get("sudo") or node, found),
        identity_files=tuple(_file(path, folder) for path in said.value("identity_files") or ()),
        passphrase=said.reference("passphrase"),
        use_agent=said.value("use_agent") is not False,
        proxy_jump=said.value("proxy_jump"),
        ssh_config=_optional_file(said.value("ssh_config"), folder),
        known_hosts=_optional_file(said.value("known_hosts"), folder),
        connect_timeout=said.value("connect_timeout") or 10.0,
        command_timeout=said.value("command_timeout") or 60.0,
        config_path=_config_path(model, node, allowed, found),
        pmta=_program(model, node, found),
        activation=model.activation or "reload",
        restart_command=tuple(model.restart_command or ()),
        groups=tuple(dict.fromkeys(model.groups)),
    )


class _Said:
    """A host's own connection keys, and the defaults where it says nothing."""

    def __init__(self, model: HostModel, defaults: SshModel, node: Mapping, found: Diagnostics) -> None:
        self._model = model
        self._defaults = defaults
        self._node = node
        self._found = found

    def value(self, field: str) -> object | None:  # type: ignore[explicit-any]
        own = getattr(self._model, field)
        return getattr(self._defaults, field) if own is None else own

    def reference(self, field: str) -> str | None:
        return _reference(self.value(field), self._node.get(field) or self._node, self._found)


def _reference(text: object, node: Node, found: Diagnostics) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        return str(require_reference(text, what="A password or passphrase", place=node.place))
    except Invalid as error:
        found.extend(error.diagnostics)
        return None


def _needs_root(name: str, model: HostModel, node: Mapping, found: Diagnostics) -> None:
    if model.root is None:
        detail = f"`{name}` is a local host: a folder of this machine stands for its root. Write `root: hosts/{name}`."
        found.error("missing-key", "A key is missing", detail, node.place)


_SSH_ONLY = ("address", "port", "user", "password", "identity-files", "passphrase", "proxy-jump", "ssh-config")


def _refuse_ssh_keys(name: str, node: Mapping, found: Diagnostics) -> None:
    for field in _SSH_ONLY:
        key = node.key(field)
        if key is not None and not is_null(node.get(field)):
            detail = f"`{name}` is a local host, and `{field}` is for SSH. Remove it, or write `transport: ssh`."
            found.error("unused-key", "A key has no effect here", detail, key.place)


def _root(model: HostModel, transport: Transport, node: Mapping, folder: Path, found: Diagnostics) -> str:
    if model.root is None:
        return "/" if transport is Transport.SSH else str(folder)
    if transport is Transport.LOCAL:
        return _file(model.root, folder)
    if not model.root.startswith("/") or ".." in model.root.split("/"):
        detail = f"{model.root!r}: the folder that stands for / on the host is a whole path, without `..`."
        found.error("bad-key-value", "A key has a wrong value", detail, _at(node, "root"))
        return "/"
    return model.root.rstrip("/") or "/"


def _config_path(model: HostModel, node: Mapping, allowed: tuple[str, ...], found: Diagnostics) -> str:
    path = model.config_path or MAIN
    if problem := path_problem(path, allowed):
        found.error("path-not-allowed", "A path on the host cannot be used", problem, _at(node, "config-path"))
        return MAIN
    return path


def _program(model: HostModel, node: Mapping, found: Diagnostics) -> str:
    program = model.pmta or "/usr/sbin/pmta"
    if not program.startswith("/"):
        detail = f"{program!r}: the program is named with its whole path on the host, as in /usr/sbin/pmta."
        found.error("bad-key-value", "A key has a wrong value", detail, _at(node, "pmta"))
    return program


def _at(node: Mapping, key: str) -> Place:
    value = node.get(key)
    return node.place if value is None else value.place


def _file(path: str, folder: Path) -> str:
    """A file of this machine: relative to the stack's folder, `~` for the home folder."""
    return os.path.normpath(folder / Path(path).expanduser()) if "\0" not in path else path


def _optional_file(path: object, folder: Path) -> str | None:
    return _file(path, folder) if isinstance(path, str) else None
