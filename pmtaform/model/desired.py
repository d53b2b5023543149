"""The desired state of one host. A stack compiles to it, and a plan compares it with the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.lang.blocks import Address, Block
from pmtaform.secrets import Secret


class Unmanaged(StrEnum):
    """What happens to live blocks that were never declared and never applied."""

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A DKIM key file as wanted. `private_key` is None where references were not to be resolved (`validate`).

    `description` is the key's type and size (`RSA 2048`), `warnings` what is doubtful about it; both are empty then.
    `lost` is why the key of a selector that no longer signs is not available: its file stays as it is.
    """

    domain: str
    selector: str
    path: str
    reference: str
    private_key: Secret | None
    passphrase: str | None = None  # a reference
    description: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    mode: int = 0o600
    owner: str | None = None  # None: as found, else PowerMTA's own user
    group: str | None = None
    place: Place | None = None
    lost: str = ""

    @property
    def address(self) -> Address:
        """`dkim-key[example.com/s2026]`."""
        return Address("dkim-key", f"{self.domain}/{self.selector}")


class FileRole(StrEnum):
    """What a file beside the configuration is for; the values are the words of a stack."""

    CERTIFICATE = "certificate"  # TLS: a certificate with its chain, alone or with its private key in one PEM file
    PRIVATE_KEY = "private-key"
    CA = "ca"  # certificates to verify others with
    LICENCE = "licence"
    FRAGMENT = "fragment"  # included inside a section
    TEXT = "text"  # whatever else a directive names


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedFile:
    """A whole file that the stack owns, besides configuration and DKIM keys.

    `content` is None where references are not resolved (`validate`); `public` is the part known without them: all, or
    the certificates beside a private key. `secret`: its content comes (in part) from a reference, so that no line of
    it is shown. `mode`, `owner` and `group` None: as on the host, else 0640, or 0600 for a secret, and PowerMTA's own
    user. `key_file` is the path of a certificate's private key if that is another file.
    """

    path: str
    role: FileRole
    source: str  # as it may be shown: "files/mx.pem", "keyring:tls/mx", "in the stack"
    content: Secret | None
    public: bytes | None = field(default=None, repr=False)
    secret: bool = False
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    key_file: str | None = None
    place: Place | None = None

    @property
    def known(self) -> bytes | None:
        """What is known of the content: all of it, else its public part."""
        return self.content.reveal() if self.content is not None else self.public

    @property
    def address(self) -> Address:
        """`file[/etc/pmta/tls/mx.pem]`."""
        return Address(FILE, self.path)


FILE = "file"  # the kind of a managed file's address


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may change without consent by name."""

    deletions_percent: float = 20.0  # of the blocks that a host has; danger `many-deletions` above
    deletions_free: int = 3  # up to this many deletions are never "many"
    rate_factor: float = 3.0  # danger `rate-raised` when a limit grows by more


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The desired state of one host, compiled from a stack.

    Every block knows where each of its lines was written (`Tree.place`). `files` says in which file of the host a
    block belongs if it is not there yet (omitted: the main file). `ignore` and `protect` are address patterns
    with `*` for any text: the first are left as they are, the second are never changed or deleted. `retired` are the
    addresses of key files that no mail can need any more.
    """

    host: str
    stack: str = ""
    config: str = "/etc/pmta/config"
    powermta: str | None = None
    blocks: Mapping[Address, Block] = field(default_factory=dict)
    files: Mapping[Address, str] = field(default_factory=dict)
    keys: tuple[KeyFile, ...] = ()
    retired: frozenset[str] = frozenset()
    managed: tuple[ManagedFile, ...] = ()
    unmanaged: Unmanaged = Unmanaged.KEEP
    ignore: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    allowed_paths: tuple[str, ...] = ("/etc/pmta",)
    limits: Limits = Limits()
    activates: bool = True  # False: another tool makes PowerMTA load the files

    @property
    def whole_files(self) -> tuple[KeyFile | ManagedFile, ...]:
        """The files that are owned whole: DKIM keys, then all others."""
        return (*self.keys, *self.managed)
