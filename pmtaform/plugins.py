"""The registries that a plug-in can add to, with our own entries: one line each.

`docs/extending.md` has a complete example of each kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pmtaform.registry import Registry

if TYPE_CHECKING:
    from pmtaform.execution.engine import EngineKind
    from pmtaform.secrets.provider import ProviderKind
    from pmtaform.state.backend import BackendKind
    from pmtaform.transport import Transport

DEFAULT_TRANSPORT: Final = "ssh"
TRANSPORTS: Final[Registry[Transport]] = Registry(
    "pmtaform.transports",
    noun="transport",
    kind="pmtaform.transport:Transport",
    own={
        "ssh": "pmtaform.transports.ssh:SSH",
        "local": "pmtaform.transports.local:LOCAL",
    },
)

SECRET_PROVIDERS: Final[Registry[ProviderKind]] = Registry(
    "pmtaform.secret_providers",
    noun="secret provider",
    kind="pmtaform.secrets.provider:ProviderKind",
    own={
        "keyring": "pmtaform.secrets.keyring:KEYRING",
        "env": "pmtaform.secrets.environment:ENVIRONMENT",
        "file": "pmtaform.secrets.file:FILE",
        "command": "pmtaform.secrets.command:COMMAND",
    },
)

DEFAULT_BACKEND: Final = "file"
STATE_BACKENDS: Final[Registry[BackendKind]] = Registry(
    "pmtaform.state_backends",
    noun="state backend",
    kind="pmtaform.state.backend:BackendKind",
    own={
        "file": "pmtaform.state.files:FILE",
    },
)

EXECUTORS: Final[Registry[EngineKind]] = Registry(
    "pmtaform.executors",
    noun="executor",
    kind="pmtaform.execution.engine:EngineKind",
    own={
        "dask": "pmtaform.execution.dask:DASK",
    },
)
