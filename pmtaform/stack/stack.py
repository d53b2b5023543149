"""A stack as it was read: its hosts, its limits, and the layers that a host's configuration is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.model.desired import Limits, Unmanaged
from pmtaform.model.dns import DnsSettings
from pmtaform.model.operations import Operations
from pmtaform.model.operations import Rollout as Rollout
from pmtaform.model.rotation import WantedSelectors
from pmtaform.plugins import DEFAULT_TRANSPORT
from pmtaform.stack.assets import Assets
from pmtaform.stack.build import StackRules
from pmtaform.stack.findings import unique
from pmtaform.stack.native import NativeFiles
from pmtaform.stack.nodes import Mapping as MappingNode
from pmtaform.stack.nodes import Node
from pmtaform.stack.paths import ALWAYS, MAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class StackHost:
    """One host as the stack describes it. Secrets are references (`keyring:…`), times are seconds.

    `root` is the folder used as the machine's root: of a local host an absolute path on this machine.
    None means not set: the transport's own default applies. `via` is the tag of the workers that may work on
    it. `places` has the place of each secret reference, by its key: `password`, `sudo`, `passphrase`.
    """

    name: str
    place: Place
    transport: str = DEFAULT_TRANSPORT
    root: str = "/"
    address: str = ""
    port: int | None = None
    user: str | None = None
    password: str | None = None
    sudo: bool = False
    sudo_password: str | None = None
    identity_files: tuple[str, ...] = ()
    passphrase: str | None = None
    use_agent: bool = True
    proxy_jump: str | None = None
    via: str | None = None
    ssh_config: str | None = None
    known_hosts: str | None = None
    connect_timeout: float = 10.0
    command_timeout: float = 60.0
    config_path: str = MAIN
    pmta: str = "/usr/sbin/pmta"
    activation: str = "reload"
    groups: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, repr=False, compare=False)

    @property
    def references(self) -> tuple[str, ...]:
        """Every secret reference that the connection needs."""
        return tuple(text for text in (self.password, self.sudo_password, self.passphrase) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Exceptions from owning a block whole: address patterns, `*` for any text."""

    ignore: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()

    def __add__(self, other: Lifecycle) -> Lifecycle:
        return Lifecycle(
            ignore=tuple(dict.fromkeys(self.ignore + other.ignore)),
            protect=tuple(dict.fromkeys(self.protect + other.protect)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLayer:
    """What one place of a stack (its top level, a group, a host) adds to a host's configuration, still as YAML."""

    name: str  # "stack", "group frankfurt", "host mta1"
    variables: MappingNode
    config: Node | None = None
    native: Node | None = None
    keys: Node | None = None
    files: Node | None = None
    lifecycle: Lifecycle = Lifecycle()
    operations: Mapping[str, Any] = field(default_factory=dict)  # what it says of how hosts are changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack. `digest` is the SHA-256 of every file that it was read from, `files` are their names.

    `own_diagnostics` are warnings about the keys of the stack, which are known without parsing its native files.
    """

    name: str
    folder: Path
    shown: str  # how places name the folder
    powermta: str | None = None
    hosts: Mapping[str, StackHost] = field(default_factory=dict)
    unmanaged: Unmanaged = Unmanaged.KEEP
    lifecycle: Lifecycle = Lifecycle()
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    allowed_paths: tuple[str, ...] = (ALWAYS,)
    rollout: Rollout = field(default_factory=Rollout)
    operations: Mapping[str, Operations] = field(default_factory=dict)  # of each host
    dns: DnsSettings = field(default_factory=DnsSettings)
    generations: int = 10
    digest: str = ""
    files: tuple[str, ...] = ()
    own_diagnostics: tuple[Diagnostic, ...] = ()
    base: StackLayer = field(repr=False, compare=False)
    groups: Mapping[str, StackLayer] = field(default_factory=dict, repr=False, compare=False)
    own: Mapping[str, StackLayer] = field(default_factory=dict, repr=False, compare=False)  # what hosts say themselves
    rules: StackRules = field(default=StackRules(), repr=False, compare=False)
    natives: NativeFiles = field(repr=False, compare=False)
    selectors: Mapping[str, WantedSelectors] = field(
        default_factory=dict, repr=False, compare=False
    )  # of keys that are rotated
    assets: Assets = field(repr=False, compare=False)
    # Of each host, its native files and assets by name, with their digests.
    uses: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings about its keys and its native files, which are parsed for it."""
        return tuple(unique((*self.own_diagnostics, *self.natives.findings())))

    def only(self, host: str) -> Stack:
        """The part of the stack that `host` is compiled from: what a worker process needs."""
        names = self.hosts[host].groups
        return replace(
            self,
            hosts={host: self.hosts[host]},
            operations={host: self.operations[host]},
            groups={name: self.groups[name] for name in names if name in self.groups},
            own={host: self.own[host]},
            uses={host: self.uses.get(host, ())},
            natives=self.natives.only(self._names(host, "native")),
            assets=self.assets.only(self._names(host, "asset")),
        )

    def _names(self, host: str, kind: str) -> list[str]:
        return [name.removeprefix(f"{kind} ") for name, _ in self.uses.get(host, ()) if name.startswith(f"{kind} ")]

    def size(self, host: str) -> int:
        """The bytes of a host's native files together."""
        return sum(self.natives.size(name) for name in self._names(host, "native"))

    def layers(self, host: str) -> list[StackLayer]:
        """The layers of a host, the lowest first."""
        groups = [self.groups[name] for name in self.hosts[host].groups if name in self.groups]
        return [self.base, *groups, self.own[host]]
