"""What an import is given, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pmtaform.adopt.choices import Form, KeysIn, SecretsIn, Shape
from pmtaform.diagnostics import Diagnostic
from pmtaform.lang.blocks import Address
from pmtaform.lang.includes import Configuration, read_configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user chose."""

    stack: str
    shape: Shape = Shape.YAML
    keys: KeysIn = KeysIn.LEAVE
    secrets: SecretsIn = SecretsIn.FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMaterial:
    """A private key file as it was found."""

    content: bytes = field(repr=False)
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server as it was read. `entry` are its keys under `hosts`; `keys` its DKIM key files, by path.

    `contents` are its configuration files, `patterns` what the wildcards of includes name. `copy`: no folder stands for
    its root, so the stack gets one with its files.
    """

    name: str
    source: str
    entry: Mapping[str, str | bool | int | tuple[str, ...]]
    main: str
    contents: Mapping[str, bytes] = field(repr=False)
    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    version: str | None = None
    keys: Mapping[str, KeyMaterial] = field(default_factory=dict)
    copy: bool = False

    def read(self) -> Configuration:
        """Parse its files. Callers drop the trees before the next server: a line takes ten times its text."""
        return read_configuration(self.main, self.contents, self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFile:
    """A file of the stack. `private`: mode 0600, and in a folder that Git ignores."""

    content: bytes = field(repr=False)
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What became of the blocks of one host."""

    host: str
    source: str
    blocks: int
    forms: Mapping[Form, tuple[Address, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A stack that declares what the servers have, not yet written: its files, and notes on it.

    `secrets` are the values behind every reference, and `stored` those references that a keyring must be given.
    """

    stack: str
    files: Mapping[str, OutFile]
    hosts: tuple[HostReport, ...]
    notes: tuple[Diagnostic, ...] = ()
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    shared: Mapping[str, int] = field(default_factory=dict)  # layer -> number of its blocks
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loops: Mapping[str, int] = field(default_factory=dict)  # entry in a loop -> number of blocks that it makes
    keys: tuple[str, ...] = ()  # domain/selector of every imported key

    def to_store(self, scheme: str) -> dict[str, bytes]:
        """The secrets whose references have this scheme."""
        return {reference: value for reference, value in self.secrets.items() if reference.startswith(f"{scheme}:")}

    def count(self, form: Form) -> int:
        """The number of blocks in this form, on all hosts."""
        return sum(len(host.forms.get(form, ())) for host in self.hosts)
