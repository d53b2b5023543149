"""The stack's own keys: which there are, what each takes, and what it is for.

One table for the checks and for the published JSON Schema. What stands under `config` is the catalogue's, not here.
The checks run in pydantic's core; model classes over it would cost each command 0.1 s at its start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

from pydantic_core import PydanticCustomError, SchemaValidator

from pmtaform.model.operations import OnFailure, Share


@dataclass(frozen=True, slots=True)
class ValueKind:
    """What a key takes: for pydantic's core (None: read elsewhere, from nodes), and as JSON Schema."""

    core: Mapping[str, Any] | None
    json: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MappingShape:
    """A mapping with known keys: key -> (what it takes, what it is for)."""

    keys: Mapping[str, tuple[ValueKind, str]]
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


# -- kinds -------------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    """A number where a text belongs is the text as it was written (`5.0`)."""
    text = getattr(value, "text", value)
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "text")
    if not text.strip() or not text.isprintable():
        raise PydanticCustomError("one_line", "It is empty, or has a line break or another control character.")
    return text


def _word(value: Any) -> str:
    text = _text(value)
    if text.startswith("-") or any(c.isspace() for c in text):
        raise PydanticCustomError("word", "It begins with a dash or has blanks; a program would take it for options.")
    return text


def _version(value: Any) -> str:
    text = getattr(value, "text", value)
    if not isinstance(text, str) or not re.fullmatch(VERSION, text):
        raise PydanticCustomError("version", 'Write a version such as "5.0" or "4.5".')
    return text


def _percent(value: Any) -> float:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%?", text) if isinstance(text, str) else None
    if found is None or float(found[1]) > 100:
        raise PydanticCustomError("percent", "Write a share of the blocks, from 0% to 100%.")
    return float(found[1])


def _seconds(value: Any) -> float:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,5}(?:\.[0-9]+)?)(s|m)?", text) if isinstance(text, str) else None
    seconds = float(found[1]) * (60 if found[2] == "m" else 1) if found else 0.0
    if not 0 < seconds <= 86_400:
        raise PydanticCustomError("seconds", "Write a time in seconds (10, 30s) or minutes (2m), above zero.")
    return seconds


_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(value: Any) -> float:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)([smhd]?)", text) if isinstance(text, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not 0 <= seconds <= 30 * 86_400:
        raise PydanticCustomError("duration", "Write a time such as 90s, 5m, 1h or 2d, of 30 days at the most.")
    return seconds


def _span(value: Any) -> timedelta:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,6})([smhdw])", text) if isinstance(text, str) else None
    seconds = int(found[1]) * (_UNITS | {"w": 7 * 86_400})[found[2]] if found else 0
    if not 0 < seconds <= 3660 * 86_400:
        raise PydanticCustomError(
            "span", "Write a time such as 90d, 48h or 2w, above zero and of ten years at the most."
        )
    return timedelta(seconds=seconds)


def _share(value: Any) -> Share:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,6}|[0-9]{1,3}\.[0-9]+(?= *%))( *%)?", text) if isinstance(text, str) else None
    if found is None or (found[2] and float(found[1]) > 100):
        raise PydanticCustomError("share", "Write a number of hosts (2), or a share of them (10%).")
    return Share(float(found[1]), percent=found[2] is not None)


def _points(value: Any) -> float:
    text = getattr(value, "text", value)
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?) *%?", text) if isinstance(text, str) else None
    if found is None or float(found[1]) > 100:
        raise PydanticCustomError("points", "Write so many percentage points, from 0 to 100 (5).")
    return float(found[1])


def _sudo(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and set(value) == {"password"} and isinstance(value["password"], str):
        return value["password"]
    raise PydanticCustomError("sudo", "Write true, false or {password: REFERENCE}.")


def _limit(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number", "Write a number.")
    return float(value)


def _program(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise PydanticCustomError("program", "Write a program and its arguments as a list: [systemctl, restart, pmta].")
    return (_word(value[0]), *(_text(word) for word in value[1:]))


def _answers(value: Any) -> tuple[str, ...]:
    texts = [_text(each) for each in value] if isinstance(value, list) else [""]
    if not all(4 <= len(text.strip()) <= 200 and text.isprintable() for text in texts):
        raise PydanticCustomError("answers", "Write a list of texts of 4 to 200 characters, each on one line.")
    return tuple(texts)


def _made(function: Any, **json: Any) -> ValueKind:
    return ValueKind({"type": "function-plain", "function": {"type": "no-info", "function": function}}, json)


def _choice(*words: str) -> ValueKind:
    return ValueKind({"type": "literal", "expected": list(words)}, {"enum": list(words)})


def _whole(least: int, most: int | None = None) -> ValueKind:
    core: dict[str, Any] = {"type": "int", "ge": least}
    json: dict[str, Any] = {"type": "integer", "minimum": least}
    if most is not None:
        core["le"] = json["maximum"] = most
    return ValueKind(core, json)


VERSION: Final = r"[0-9]{1,2}\.[0-9]{1,2}(r[0-9]+)?"
REFERENCE: Final = {"$ref": "#/$defs/reference"}
TEXT: Final = _made(_text, type=["string", "number"])
WORD: Final = _made(_word, type=["string", "number"])
SECRET: Final = ValueKind(TEXT.core, REFERENCE)
TEXTS: Final = ValueKind({"type": "list", "items_schema": TEXT.core}, {"type": "array", "items": {"type": "string"}})
FLAG: Final = ValueKind({"type": "bool"}, {"type": "boolean"})
SECONDS: Final = _made(_seconds, type=["number", "string"], pattern="^[0-9.]+[sm]?$")
PERCENT: Final = _made(_percent, type=["number", "string"], pattern="^[0-9.]+ *%?$")
DURATION: Final = _made(_duration, type=["number", "string"], pattern="^[0-9.]+[smhd]?$")
SPAN: Final = _made(_span, type="string", pattern="^[0-9]+[smhdw]$")
SHARE: Final = _made(_share, type=["number", "string"], pattern="^[0-9.]+ *%?$")
SHARES: Final = ValueKind(
    {"type": "list", "items_schema": SHARE.core, "min_length": 1},
    {"type": "array", "items": SHARE.json, "minItems": 1},
)
POINTS: Final = _made(_points, type=["number", "string"], pattern="^[0-9.]+ *%?$")
NUMBER: Final = _made(_limit, type="number")
STATUS: Final = ValueKind(
    {"type": "any"},
    {"type": ["string", "integer", "array"], "items": {"type": "integer"}},
)
PROGRAM: Final = _made(_program, type="array", minItems=1, items={"type": ["string", "number"]})
ANSWERS: Final = _made(_answers, type="array", minItems=1, items={"type": "string", "minLength": 4, "maxLength": 200})
SUDO: Final = _made(
    _sudo,
    anyOf=[
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {"password": REFERENCE},
            "required": ["password"],
            "additionalProperties": False,
        },
    ],
)


def _read_later(keys: Mapping[str, tuple[ValueKind, str]]) -> dict[str, tuple[ValueKind, str]]:
    """Keys that are known here, and that another module reads."""
    return {key: (ValueKind(None, kind.json), text) for key, (kind, text) in keys.items()}


def elsewhere(definition: str) -> ValueKind:
    """What is read from nodes by another module; `definition` is its name in the JSON Schema."""
    return ValueKind(None, {"$ref": f"#/$defs/{definition}"})


# -- shapes ------------------------------------------------------------------------------------------------------------

_CONNECTION: Final[dict[str, tuple[ValueKind, str]]] = {
    "user": (WORD, "The user to log in as. Left out: what ssh_config says, else yours."),
    "port": (_whole(1, 65535), "The port of the SSH server."),
    "password": (SECRET, "A reference to the login password. Keys are better."),
    "sudo": (SUDO, "Whether to become root with sudo, and a reference to its password if it wants one."),
    "identity-files": (TEXTS, "Private keys to log in with, relative to the stack's folder."),
    "passphrase": (SECRET, "A reference to the passphrase of those keys."),
    "use-agent": (FLAG, "Whether to ask the SSH agent for keys (true)."),
    "proxy-jump": (WORD, "The host to go through, as for `ssh -J`."),
    "ssh-config": (TEXT, "The ssh_config to read instead of your own and the system's."),
    "known-hosts": (TEXT, "The known_hosts to check host keys against. Unknown and changed keys are refused."),
    "connect-timeout": (SECONDS, "How long to wait for a connection (10 s)."),
    "command-timeout": (SECONDS, "How long to wait for one `pmta` command (60 s)."),
}

_OPERATIONS: Final[dict[str, tuple[ValueKind, str]]] = {
    "confirm-within": (DURATION, "The host goes back by itself unless it is confirmed in this time (120 s); 0: off."),
    "max-impact": (_choice("reload", "restart"), "What needs no consent by name: restart, with a maintenance-window."),
    "maintenance-window": (elsewhere("windows"), "When a restart needs no consent: Sat,Sun 02:00-04:00 Europe/Berlin."),
    "drain-below": (_whole(0), "PowerMTA is not restarted while its spool holds this many recipients or more."),
    "checks": (elsewhere("checks"), "What is looked at before a change is confirmed, by name."),
    "observe": (DURATION, "How long queues are watched after the change, before it is confirmed (0: not at all)."),
    "tolerance": (POINTS, "By how many percentage points queues in back-off or with errors may grow meanwhile (5)."),
    "freeze": (elsewhere("freeze"), "Until when nothing is changed, and why."),
    "commands": (elsewhere("commands"), "Programs that reload or restart PowerMTA under another name."),
    "expect": (elsewhere("expect"), "What this version of `pmta` answers, where the guides do not say it."),
}

_LAYER: Final[dict[str, tuple[ValueKind, str]]] = {
    "vars": (elsewhere("vars"), "Variables: used as ${name} in keys and values under config and dkim-keys."),
    "config": (elsewhere("config"), "PowerMTA's directives and sections, as the product names them."),
    "native": (elsewhere("native"), "Files in PowerMTA's own language, beside or instead of config."),
    "dkim-keys": (elsewhere("dkim-keys"), "DKIM keys by domain/selector: where the key comes from and who signs."),
    "files": (elsewhere("files"), "Files beside the configuration, by path: certificates, the licence, fragments."),
    "lifecycle": (elsewhere("lifecycle"), "Blocks that are left as they are, or never changed."),
    **_read_later(_OPERATIONS),
}

SSH: Final = MappingShape(_CONNECTION)
GROUP: Final = MappingShape(_LAYER)
HOST: Final = MappingShape(
    {
        "transport": (ValueKind(WORD.core, {"$ref": "#/$defs/transport"}), "How the host is reached (ssh)."),
        "root": (TEXT, "The folder that stands for the host's root; for a local host, relative to the stack's folder."),
        "address": (WORD, "Name or IP address of the SSH server. Left out: the host's own name."),
        **_CONNECTION,
        "config-path": (TEXT, "PowerMTA's main configuration file (/etc/pmta/config)."),
        "pmta": (TEXT, "The pmta program (/usr/sbin/pmta)."),
        "activation": (_choice("none", "reload", "restart"), "How PowerMTA takes a new configuration (reload)."),
        "groups": (TEXTS, "The groups whose layers the host takes, the later ones over the earlier ones."),
        **_LAYER,
    }
)
LIFECYCLE: Final = MappingShape(
    {
        "ignore": (TEXTS, "Addresses of blocks that are left as they are on the hosts; * for any text."),
        "protect": (TEXTS, "Addresses of blocks that are never changed or deleted; * for any text."),
    }
)
LIMITS: Final = MappingShape(
    {
        "deletions": (PERCENT, "The share of a host's blocks that may be deleted without consent (20%)."),
        "deletions-free": (_whole(0), "So many deletions never need consent (3)."),
        "rate-factor": (
            ValueKind({"type": "float", "ge": 1, "strict": False}, {"type": "number", "minimum": 1}),
            "A limit that grows by more than this factor needs consent (3).",
        ),
    }
)
OPERATIONS: Final = MappingShape(_OPERATIONS)
CHECK: Final[dict[str, tuple[ValueKind, str]]] = {
    "command": (PROGRAM, "A program on the host that ends with 0, as a list."),
    "tcp": (TEXT, "A port of the host that takes connections: 25, or 10.0.0.1:2525."),
    "smtp": (TEXT, "A port of the host that greets with 220."),
    "http": (TEXT, "A URL that is answered with `status`."),
    "backoff": (TEXT, "Queues, as DOMAIN/VMTA with *, of which `at-most` so many are in back-off."),
    "status": (
        STATUS,
        "A number of `pmta show status`, below data.status (queue.smtp.rcp); of http, the status wanted.",
    ),
    "from": (_choice("host", "client"), "Where it is asked from (host)."),
    "expect": (TEXT, "What the greeting begins with (220)."),
    "verify": (FLAG, "Whether the certificate must be valid (true)."),
    "at-most": (_whole(0), "How many queues may be in back-off (0)."),
    "below": (NUMBER, "What the number must be below."),
    "above": (NUMBER, "What the number must be above."),
    "within": (SECONDS, "How long one try may take (10 s)."),
    "tries": (_whole(1, 100), "How often it is tried before it counts as failed (3)."),
    "every": (SECONDS, "How long to wait between tries (2 s)."),
}


@cache
def check_shape(kind: str, more: tuple[str, ...]) -> MappingShape:
    """The keys of one kind of check."""
    return MappingShape({key: CHECK[key] for key in (kind, *more)}, required=(kind,))


COMMANDS: Final = MappingShape(
    {
        "reload": (PROGRAM, "Instead of `pmta reload`."),
        "restart": (PROGRAM, "What restarts PowerMTA; left out: systemctl, service or init.d, whichever is there."),
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
        "until": (TEXT, "A date, which is frozen too, or a date and time; UTC unless it says another zone."),
        "reason": (TEXT, "Why; whoever wants to change the host reads it."),
    },
    required=("until", "reason"),
)
ROLLOUT: Final = MappingShape(
    {
        "canary": (_whole(0, 1000), "So many hosts are changed first (0)."),
        "waves": (SHARES, "How much of the fleet is changed when each wave is done: [10%, 50%, 100%]."),
        "parallel": (_whole(1, 256), "How many hosts are worked on at once (16 are changed, 32 looked at)."),
        "soak": (DURATION, "How long to wait after each wave (0)."),
        "max-failures": (SHARE, "How many hosts may fail in the whole run before it ends: 2, or 5% (0)."),
        "max-unreachable": (SHARE, "The same of hosts that cannot be reached (any number)."),
        "on-failure": (
            _choice(*(each.value for each in OnFailure)),
            "What becomes of hosts that are done when more than max-failures failed (rollback-host).",
        ),
        "spread": (elsewhere("spread"), "pool, group, {pool: 2} or {group: 2}: how many of one may restart at once."),
        "stage-first": (FLAG, "Whether every host is staged and tested before one is activated (true)."),
    }
)
DNS_MODES: Final = ("require", "warn", "off")
DNS: Final = MappingShape(
    {
        "mode": (_choice(*DNS_MODES), "Whether DNS that is wrong stops, is told, or is not asked (warn)."),
        "on-plan": (_choice(*DNS_MODES), "The same, of what a plan changes. Left out: as `mode`."),
        "resolvers": (TEXTS, "Name servers to ask: an IP address, with a port if not 53 (127.0.0.1:5300, [::1]:5300)."),
        "timeout": (SECONDS, "How long to wait for one answer (3 s)."),
        "tries": (_whole(1, 10), "How often each name server is asked (2)."),
        "deadline": (SECONDS, "How long one question may take in all (15 s)."),
        "authoritative": (FLAG, "Whether the zones' own name servers are asked, too (true)."),
        "envelope-domains": (TEXTS, "Domains of envelope senders. Bounce domains always count as such."),
        "bounce-domains": (TEXTS, "Domains that take bounces, besides those of <bounce-processor>."),
        "feedback-domains": (TEXTS, "Domains that take complaints, besides those of <feedback-loop-processor>."),
        "from-domains": (TEXTS, "Domains of From headers. Left out: the domains of dkim-keys."),
        "zones": (TEXTS, "Where zones begin, for `pmtaform dns records`. Left out: guessed from the domains."),
    }
)
ROTATION: Final = MappingShape(
    {
        "every": (SPAN, "How often a new key signs: 90d."),
        "publish-for": (SPAN, "How long its record must have been there before (48h)."),
        "retire-after": (SPAN, "How long the old key's record stays once its file has left the hosts (7d)."),
    },
    required=("every",),
)
STACK: Final = MappingShape(
    {
        "stack": (TEXT, "The stack's name: that of its folder."),
        "powermta": (
            _made(_version, type=["string", "number"], pattern=f"^{VERSION}$"),
            "The version of PowerMTA that the hosts run.",
        ),
        **_LAYER,
        "hosts": (elsewhere("hosts"), "The hosts, by name."),
        "groups": (elsewhere("groups"), "Layers that several hosts share, by name."),
        "unmanaged": (
            _choice("keep", "remove"),
            "What becomes of blocks on hosts that were never declared and never ours (keep).",
        ),
        "strict": (FLAG, "Whether what the catalogue does not know is an error in native text, too (false)."),
        "limits": (elsewhere("limits"), "How much may change without consent by name."),
        "allowed-paths": (TEXTS, "Folders of the hosts, besides /etc/pmta, that files may be written in."),
        "ssh": (elsewhere("ssh"), "What hosts that say nothing else take for their connection."),
        "rollout": (elsewhere("rollout"), "How a rollout goes over many hosts."),
        "dns": (elsewhere("dns"), "What DNS must say of the fleet, and whom to ask."),
        "generations": (_whole(1, 1000), "How many old configurations are kept on each host (10)."),
    }
)
