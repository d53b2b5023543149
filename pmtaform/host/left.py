"""What a transaction left on a host, by the host's own record: which files, and which of their content is ours.

The client that makes the transaction writes the record. It is kept beside the generation, readable by root alone. It
needs no key of a stack, so that every checkout can compare with it, and holds no content: files by their SHA-256, ours
by address. A copy of the configuration itself is beside the last transaction's record, and is read into memory only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pmtaform.host.model import HostSpec, digest
from pmtaform.host.text import one_line
from pmtaform.host.transport import Session
from pmtaform.host.wire import call, common, setting

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LeftFile:
    """One file as it was left. Mode, owner or group None: the host chose them."""

    digest: str
    mode: int | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRecord:
    """What a transaction left. `sizes` are of the configuration files, the main one first, in the order of the copy."""

    stack: str
    files: Mapping[str, LeftFile] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()  # addresses that are ours
    keys: Mapping[str, str] = field(default_factory=dict)  # address -> path
    unmanaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLeft:
    """A generation, who made it, and what it left. `left` None: it was made without such a record.

    `contents` are the configuration files as they were left; None: not asked for, or there is no complete copy.
    """

    generation: int
    who: str = ""
    what: str = ""
    started: str = ""
    plan: str = ""
    commit: str = ""
    left: LeftRecord | None = None
    contents: Mapping[str, bytes] | None = field(default=None, repr=False)


def encode(left: LeftRecord) -> bytes:
    """The record as the host keeps it: JSON on one line, ASCII."""
    document = {
        "format": FORMAT,
        "stack": left.stack,
        "files": {p: [f.digest, f.mode, f.owner, f.group] for p, f in sorted(left.files.items())},
        "configuration": list(left.sizes.items()),
        "patterns": {pattern: list(names) for pattern, names in sorted(left.patterns.items())},
        "blocks": sorted(left.blocks),
        "keys": dict(sorted(left.keys.items())),
        "unmanaged": left.unmanaged,
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def decode(content: bytes) -> LeftRecord | None:
    """The content of a record; None for one that is damaged or of a later format."""
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            return None
        return LeftRecord(
            stack=str(document["stack"]),
            files={str(p): LeftFile(*fields) for p, fields in document["files"].items()},
            sizes={str(p): int(size) for p, size in document["configuration"]},
            patterns={str(p): tuple(map(str, names)) for p, names in document["patterns"].items()},
            blocks=tuple(map(str, document["blocks"])),
            keys={str(a): str(p) for a, p in document["keys"].items()},
            unmanaged=int(document["unmanaged"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def last_left(
    session: Session, spec: HostSpec, *, generation: int | None = None, contents: bool = False
) -> LastLeft | None:
    """What the last transaction left, or the one that made `generation`; None: the host keeps no such generation."""
    lines = [*common(spec)]
    if generation is not None:
        lines.append(setting("of", f"{generation:06d}", spec.name))
    if contents:
        lines.append(setting("look", "yes", spec.name))
    facts: dict[str, str] = {}
    data: dict[bytes, bytes] = {}
    for item in call(session, spec, "left", [*lines, b"end\n"], timeout=spec.connect_timeout + 60):
        if item.key == "data":
            data[item.rest] = item.data or b""
        else:
            facts.setdefault(item.key, one_line(item.rest))
    if not facts.get("kept", "").isdigit():
        return None
    left = LastLeft(
        generation=int(facts["kept"]),
        who=facts.get("who", ""),
        what=facts.get("what", ""),
        started=facts.get("started", ""),
        plan=facts.get("plan", ""),
        commit=facts.get("commit", ""),
        left=decode(data[b"record"]) if b"record" in data else None,
    )
    return replace(left, contents=_parted(left.left, data.get(b"base")))


def _parted(left: LeftRecord | None, base: bytes | None) -> Mapping[str, bytes] | None:
    """The copy of the configuration, file by file; None unless each matches the record."""
    if left is None or base is None or sum(left.sizes.values()) != len(base):
        return None
    contents: dict[str, bytes] = {}
    at = 0
    for path, size in left.sizes.items():
        contents[path], at = base[at : at + size], at + size
        if path not in left.files or digest(contents[path]) != left.files[path].digest:
            return None
    return contents


def kept_copies(session: Session, spec: HostSpec, names: Mapping[str, str], transaction: str = "") -> dict[str, bytes]:
    """The kept copies with these names (path -> `NNNNNN/n`), by path, in memory only. One that is gone is left out.

    With `transaction`, those of that change, which awaits its confirmation.
    """
    wanted = [f"{name}\n".encode("ascii") for name in names.values()]
    chosen = [setting("id", transaction, spec.name)] if transaction else []
    contents: dict[str, bytes] = {}
    items = call(
        session,
        spec,
        "copies",
        [*common(spec), *chosen, b"end\n", *wanted, b"end\n"],
        timeout=spec.connect_timeout + 60,
    )
    for item in items:
        if item.key == "data":
            contents[item.rest.decode("ascii", "replace")] = item.data or b""
    return {path: contents[name] for path, name in names.items() if name in contents}
