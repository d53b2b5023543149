"""One host under `hosts`: its own keys over the defaults of `ssh`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.stack import BAD_KEY_VALUE, MISSING_KEY, PATH_NOT_ALLOWED, UNUSED_KEY
from pmtaform.errors import Invalid
from pmtaform.plugins import DEFAULT_TRANSPORT, TRANSPORTS
from pmtaform.registry import PlugInBroken
from pmtaform.secrets import require_reference
from pmtaform.stack.nodes import Mapping, Node, is_null
from pmtaform.stack.paths import MAIN, path_problem
from pmtaform.stack.shapes import HOST
from pmtaform.stack.stack import StackHost
from pmtaform.stack.validate import validate
from pmtaform.transport import Transport

PMTA: Final = "/usr/sbin/pmta"
SECRETS: Final = ("password", "sudo", "passphrase")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDefaults:
    """The defaults for every host of a stack.

    `values` are those of its `ssh`, in the node `ssh`; `folder` is the stack's, `allowed` its folders on hosts.
    """

    ssh: Node | None
    values: dict[str, Any]
    folder: Path
    allowed: tuple[str, ...]


def read_host(name: str, node: Mapping, defaults: HostDefaults, problems: Diagnostics) -> StackHost:
    """Return the host `name`. What is wrong with it goes into `problems`, and its default takes its place."""
    own = validate(HOST, node, f"The host {name}", problems)
    values = {**defaults.values, **own}
    transport = _transport(values.get("transport", DEFAULT_TRANSPORT), node, problems)
    _check_keys(name, transport, own, node, problems)
    # A local host has no use for what `ssh` says, so its secrets are not asked for.
    keys = () if transport.is_local else (key for key in SECRETS if isinstance(values.get(key), str))
    places = {key: _place_of(key, node, defaults.ssh) for key in keys}
    secrets = {key: _reference(values[key], place, problems) for key, place in places.items()}
    return StackHost(
        name=name,
        place=node.place,
        transport=transport.name,
        root=_root(values.get("root"), transport, node, defaults.folder, problems),
        config_path=_config_path(values.get("config-path", MAIN), node, defaults.allowed, problems),
        pmta=_program(values.get("pmta", PMTA), node, problems),
        activation=values.get("activation", "reload"),
        groups=tuple(dict.fromkeys(values.get("groups", ()))),
        via=values.get("via"),
        password=secrets.get("password"),
        sudo_password=secrets.get("sudo"),
        passphrase=secrets.get("passphrase"),
        places=places,
        **_connection(name, values, defaults.folder),
    )


def _connection(name: str, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """How a host is reached, without the secrets for it."""
    return {
        "address": values.get("address", name),
        "port": values.get("port"),
        "user": values.get("user"),
        "sudo": bool(values.get("sudo", False)),
        "identity_files": tuple(_file(path, folder) for path in values.get("identity-files", ())),
        "use_agent": values.get("use-agent", True),
        "proxy_jump": values.get("proxy-jump"),
        "ssh_config": _optional_file(values.get("ssh-config"), folder),
        "known_hosts": _optional_file(values.get("known-hosts"), folder),
        "connect_timeout": values.get("connect-timeout", 10.0),
        "command_timeout": values.get("command-timeout", 60.0),
    }


def _place_of(key: str, node: Mapping, ssh: Node | None) -> Place:
    """Where a secret of the connection is written: under the host itself, or in `ssh`, for all hosts."""
    for where in (node, ssh):
        value = where.get(key) if isinstance(where, Mapping) else None
        if value is not None and not is_null(value):
            inner = value.get("password") if isinstance(value, Mapping) else None
            return (inner or value).place
    return node.place


def _reference(text: str, place: Place, problems: Diagnostics) -> str | None:
    try:
        return str(require_reference(text, what="A password or passphrase", place=place))
    except Invalid as error:
        problems.extend(error.diagnostics)
        return None


def _transport(name: str, node: Mapping, problems: Diagnostics) -> Transport:
    try:
        return TRANSPORTS[name]
    except PlugInBroken as broken:
        problems.extend(replace(one, place=_at(node, "transport")) for one in broken.diagnostics)
    except KeyError:
        names = TRANSPORTS.names()
        detail = f"`transport`: Write {', '.join(names[:-1])} or {names[-1]}.{did_you_mean(name, names)}"
        problems.report(BAD_KEY_VALUE, detail, _at(node, "transport"))
    return TRANSPORTS[DEFAULT_TRANSPORT]


def _check_keys(name: str, transport: Transport, own: dict[str, Any], node: Mapping, problems: Diagnostics) -> None:
    what = f"`{name}` has `transport: {transport.name}`: {transport.summary}"
    for field in transport.needs:
        if field not in own:
            problems.report(MISSING_KEY, f"{what}. Write `{field}`.", node.place)
    for field in transport.unused:
        key = node.key(field)
        if field in own and key is not None:
            detail = f"{what}. `{field}` has no effect on that. Remove it, or name another transport."
            problems.report(UNUSED_KEY, detail, key.place)


def _root(written: str | None, transport: Transport, node: Mapping, folder: Path, problems: Diagnostics) -> str:
    if transport.is_local:
        return _file(written or ".", folder)
    root = written or "/"
    if not root.startswith("/") or ".." in root.split("/"):
        detail = f"{root!r}: the folder that takes the place of / on the host is an absolute path, without `..`."
        problems.report(BAD_KEY_VALUE, detail, _at(node, "root"))
    return root.rstrip("/") or "/"


def _config_path(path: str, node: Mapping, allowed: tuple[str, ...], problems: Diagnostics) -> str:
    if problem := path_problem(path, allowed):
        problems.report(PATH_NOT_ALLOWED, problem, _at(node, "config-path"))
    return path


def _program(program: str, node: Mapping, problems: Diagnostics) -> str:
    if not program.startswith("/"):
        detail = f"{program!r}: the program is named with its whole path on the host, as in {PMTA}."
        problems.report(BAD_KEY_VALUE, detail, _at(node, "pmta"))
    return program


def _at(node: Mapping, key: str) -> Place:
    value = node.get(key)
    return node.place if value is None else value.place


def _file(path: str, folder: Path) -> str:
    """A file of this machine: relative to the stack's folder, `~` for the home folder."""
    return os.path.normpath(folder / Path(path).expanduser()) if "\0" not in path else path


def _optional_file(path: object, folder: Path) -> str | None:
    return _file(path, folder) if isinstance(path, str) else None
