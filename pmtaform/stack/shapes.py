"""The stack's own keys: their names, values and meanings.

One table for the checks and for the published JSON Schema. What may be under `config` is in the catalogue, not here.
The checks run in pydantic's core; model classes over it would cost each command 0.1 s at its start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic_core import SchemaValidator

from pmtaform.model.operations import OnFailure
from pmtaform.stack.field_kinds import (
    ANSWERS,
    DURATION,
    FLAG,
    NUMBER,
    PERCENT,
    POINTS,
    PROGRAM,
    SECONDS,
    SECRET,
    SHARE,
    SHARES,
    SPAN,
    STATUS,
    SUDO,
    TEXT,
    TEXTS,
    VERSION,
    WORD,
    FieldKind,
    elsewhere,
    one_of,
    whole_number,
)


@dataclass(frozen=True, slots=True)
class MappingShape:
    """A mapping with known keys: key -> (what it takes, what it is for)."""

    keys: Mapping[str, tuple[FieldKind, str]]
    required: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return id(self)


@cache
def validator(shape: MappingShape) -> SchemaValidator:
    """The validator of a shape, made when it is first needed."""
    fields = {
        key: {
            "type": "typed-dict-field",
            "schema": kind.core or {"type": "any"},
            "required": key in shape.required,
        }
        for key, (kind, _) in shape.keys.items()
    }
    schema: Any = {"type": "typed-dict", "fields": fields, "extra_behavior": "forbid", "config": {"strict": True}}
    return SchemaValidator(schema)


def _read_later(keys: Mapping[str, tuple[FieldKind, str]]) -> dict[str, tuple[FieldKind, str]]:
    """Keys that are known here, and that another module reads."""
    return {key: (FieldKind(None, kind.json), text) for key, (kind, text) in keys.items()}


_CONNECTION: Final[dict[str, tuple[FieldKind, str]]] = {
    "user": (WORD, "The user to log in as. Default: that of ssh_config, else your own."),
    "port": (whole_number(1, 65535), "The port of the SSH server."),
    "password": (SECRET, "A reference to the login password. Keys are better."),
    "sudo": (SUDO, "Whether to become root with sudo, and a reference to its password if it needs one."),
    "identity-files": (TEXTS, "Private keys to log in with, relative to the stack's folder."),
    "passphrase": (SECRET, "A reference to the passphrase of those keys."),
    "use-agent": (FLAG, "Whether to ask the SSH agent for keys (true)."),
    "proxy-jump": (WORD, "The jump host, as for `ssh -J`."),
    "ssh-config": (TEXT, "The ssh_config to read instead of your own and the system's."),
    "known-hosts": (TEXT, "The known_hosts to check host keys against. Unknown and changed keys are refused."),
    "connect-timeout": (SECONDS, "How long to wait for a connection (10 s)."),
    "command-timeout": (SECONDS, "How long to wait for one `pmta` command (60 s)."),
}

_OPERATIONS: Final[dict[str, tuple[FieldKind, str]]] = {
    "confirm-within": (DURATION, "The host rolls back unless it is confirmed in this time (120 s); 0: off."),
    "max-impact": (one_of("reload", "restart"), "What needs no consent by name: restart, with a maintenance-window."),
    "maintenance-window": (elsewhere("windows"), "When a restart needs no consent: Sat,Sun 02:00-04:00 Europe/Berlin."),
    "drain-below": (whole_number(0), "PowerMTA is not restarted while its spool holds this many recipients or more."),
    "checks": (elsewhere("checks"), "Checks before a change is confirmed, by name."),
    "observe": (DURATION, "How long queues are watched after the change, before it is confirmed (0: not at all)."),
    "tolerance": (POINTS, "By how many percentage points queues in back-off or with errors may grow meanwhile (5)."),
    "freeze": (elsewhere("freeze"), "Until when nothing is changed, and why."),
    "commands": (elsewhere("commands"), "Programs that reload or restart PowerMTA under another name."),
    "expect": (elsewhere("expect"), "What this version of `pmta` answers, where the guides do not say it."),
}

_LAYER: Final[dict[str, tuple[FieldKind, str]]] = {
    "vars": (elsewhere("vars"), "Variables: used as ${name} in keys and values under config and dkim-keys."),
    "config": (elsewhere("config"), "PowerMTA's directives and sections, as the product names them."),
    "native": (elsewhere("native"), "Files in PowerMTA's own language, beside or instead of config."),
    "dkim-keys": (elsewhere("dkim-keys"), "DKIM keys by domain/selector: where the key comes from and who signs."),
    "files": (elsewhere("files"), "Files beside the configuration, by path: certificates, the licence, fragments."),
    "lifecycle": (elsewhere("lifecycle"), "Blocks that are ignored or protected."),
    **_read_later(_OPERATIONS),
}

SSH: Final = MappingShape(_CONNECTION)
GROUP: Final = MappingShape(_LAYER)
HOST: Final = MappingShape(
    {
        "transport": (FieldKind(WORD.core, {"$ref": "#/$defs/transport"}), "How the host is reached (ssh)."),
        "root": (
            TEXT,
            "The folder used as the host's root; for a local host, relative to the stack's folder.",
        ),
        "address": (WORD, "Name or IP address of the SSH server. Default: the host's own name."),
        **_CONNECTION,
        "config-path": (TEXT, "PowerMTA's main configuration file (/etc/pmta/config)."),
        "pmta": (TEXT, "The pmta program (/usr/sbin/pmta)."),
        "activation": (one_of("none", "reload", "restart"), "How PowerMTA loads a new configuration (reload)."),
        "via": (WORD, "The tag of the workers that may work on the host, where an executor does; else ignored."),
        "groups": (TEXTS, "The groups whose layers the host takes, the later ones over the earlier ones."),
        **_LAYER,
    }
)
LIFECYCLE: Final = MappingShape(
    {
        "ignore": (TEXTS, "Addresses of blocks that stay unchanged on the hosts; * for any text."),
        "protect": (TEXTS, "Addresses of blocks that are never changed or deleted; * for any text."),
    }
)
LIMITS: Final = MappingShape(
    {
        "deletions": (PERCENT, "The share of a host's blocks that may be deleted without consent (20%)."),
        "deletions-free": (whole_number(0), "Number of deletions that never need consent (3)."),
        "rate-factor": (
            FieldKind({"type": "float", "ge": 1, "strict": False}, {"type": "number", "minimum": 1}),
            "A limit that grows by more than this factor needs consent (3).",
        ),
    }
)
OPERATIONS: Final = MappingShape(_OPERATIONS)
CHECK: Final[dict[str, tuple[FieldKind, str]]] = {
    "command": (PROGRAM, "A program on the host that exits with 0, as a list."),
    "tcp": (TEXT, "A port of the host that accepts connections: 25, or 10.0.0.1:2525."),
    "smtp": (TEXT, "A port of the host that greets with 220."),
    "http": (TEXT, "A URL that is answered with `status`."),
    "backoff": (TEXT, "Queues, as DOMAIN/VMTA with *, of which at most `at-most` are in back-off."),
    "status": (
        STATUS,
        "A number of `pmta show status`, below data.status (queue.smtp.rcp); of http, the status wanted.",
    ),
    "from": (one_of("host", "client"), "Where the check runs (host)."),
    "expect": (TEXT, "The start of the greeting (220)."),
    "verify": (FLAG, "Whether the certificate must be valid (true)."),
    "at-most": (whole_number(0), "How many queues may be in back-off (0)."),
    "below": (NUMBER, "The number must be below this."),
    "above": (NUMBER, "The number must be above this."),
    "within": (SECONDS, "How long one try may take (10 s)."),
    "tries": (whole_number(1, 100), "Number of tries before the check counts as failed (3)."),
    "every": (SECONDS, "How long to wait between tries (2 s)."),
}


@cache
def check_shape(kind: str, more: tuple[str, ...]) -> MappingShape:
    """The keys of one kind of check."""
    return MappingShape({key: CHECK[key] for key in (kind, *more)}, required=(kind,))


COMMANDS: Final = MappingShape(
    {
        "reload": (PROGRAM, "Instead of `pmta reload`."),
        "restart": (
            PROGRAM,
            "The program that restarts PowerMTA. Default: systemctl, service or init.d, whichever exists.",
        ),
        "restart-web": (PROGRAM, "What restarts PowerMTA's web monitor, `pmtahttp`."),
    }
)
TEXTS_OF: Final = MappingShape(
    {
        "success": (ANSWERS, "Parts of answers that mean success; the exit code must be 0 too."),
        "failure": (ANSWERS, "Parts of answers that mean failure, whatever else they hold."),
    }
)
EXPECT: Final = MappingShape(
    {
        "test-config": (elsewhere("texts"), "Answers of `pmta test config`."),
        "reload": (elsewhere("texts"), "Answers of `pmta reload`."),
        "status": (elsewhere("texts"), "Answers of `pmta show status`."),
    }
)
FREEZE: Final = MappingShape(
    {
        "until": (TEXT, "A date, which is frozen too, or a date and time; UTC unless it names another zone."),
        "reason": (TEXT, "The reason, shown to everyone who plans a change of the host."),
    },
    required=("until", "reason"),
)
ROLLOUT: Final = MappingShape(
    {
        "canary": (whole_number(0, 1000), "Number of hosts that are changed first (0)."),
        "waves": (SHARES, "How much of the fleet is changed when each wave is done: [10%, 50%, 100%]."),
        "parallel": (whole_number(1, 256), "How many hosts are worked on at once (16 are changed, 32 looked at)."),
        "soak": (DURATION, "How long to wait after each wave (0)."),
        "max-failures": (SHARE, "How many hosts may fail in the whole run before it ends: 2, or 5% (0)."),
        "max-unreachable": (SHARE, "The same for hosts that cannot be reached (any number)."),
        "on-failure": (
            one_of(*(each.value for each in OnFailure)),
            "What to do with changed hosts when more than max-failures failed (rollback-host).",
        ),
        "spread": (elsewhere("spread"), "pool, group, {pool: 2} or {group: 2}: how many of one may restart at once."),
        "stage-first": (FLAG, "Whether every host is staged and tested before one is activated (true)."),
    }
)
DNS_MODES: Final = ("require", "warn", "off")
DNS: Final = MappingShape(
    {
        "mode": (one_of(*DNS_MODES), "Whether a wrong DNS record is an error, a warning or not checked (warn)."),
        "on-plan": (one_of(*DNS_MODES), "The same for the domains that a plan changes. Default: as `mode`."),
        "resolvers": (TEXTS, "Name servers to ask: an IP address, with a port if not 53 (127.0.0.1:5300, [::1]:5300)."),
        "timeout": (SECONDS, "How long to wait for one answer (3 s)."),
        "tries": (whole_number(1, 10), "How often each name server is asked (2)."),
        "deadline": (SECONDS, "How long one question may take in all (15 s)."),
        "authoritative": (FLAG, "Whether the zones' own name servers are asked, too (true)."),
        "envelope-domains": (TEXTS, "Domains of envelope senders. Bounce domains always count as such."),
        "bounce-domains": (TEXTS, "Domains that receive bounces, besides those of <bounce-processor>."),
        "feedback-domains": (TEXTS, "Domains that receive complaints, besides those of <feedback-loop-processor>."),
        "from-domains": (TEXTS, "Domains of From headers. Default: the domains of dkim-keys."),
        "zones": (TEXTS, "Where zones start, for `pmtaform dns records`. Default: guessed from the domains."),
    }
)
ROTATION: Final = MappingShape(
    {
        "every": (SPAN, "How often a new key signs: 90d."),
        "publish-for": (SPAN, "How long its record must be in DNS before it signs (48h)."),
        "retire-after": (SPAN, "How long the old key's record stays once its file has left the hosts (7d)."),
    },
    required=("every",),
)
STACK: Final = MappingShape(
    {
        "stack": (TEXT, "The stack's name: that of its folder."),
        "powermta": (
            VERSION,
            "The version of PowerMTA that the hosts run.",
        ),
        **_LAYER,
        "hosts": (elsewhere("hosts"), "The hosts, by name."),
        "groups": (elsewhere("groups"), "Layers that several hosts share, by name."),
        "unmanaged": (
            one_of("keep", "remove"),
            "What to do with blocks on hosts that were never declared or managed (keep).",
        ),
        "strict": (FLAG, "Whether unknown names are errors in native text, too (false)."),
        "limits": (elsewhere("limits"), "How much may change without consent by name."),
        "allowed-paths": (TEXTS, "Folders of the hosts, besides /etc/pmta, that files may be written in."),
        "ssh": (elsewhere("ssh"), "Connection settings of hosts that do not set their own."),
        "rollout": (elsewhere("rollout"), "How a rollout proceeds over many hosts."),
        "dns": (elsewhere("dns"), "Which DNS records the fleet needs, and which resolvers to ask."),
        "generations": (whole_number(1, 1000), "How many old configurations are kept on each host (10)."),
    }
)
