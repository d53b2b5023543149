"""What a host has now, in one round trip for a host that did not change."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pmtaform.errors import HostError
from pmtaform.host.model import HostSpec, Known, LiveFile, LockInfo, Snapshot, digest
from pmtaform.host.text import checked, checked_path, clean, decode, encode, one_line
from pmtaform.host.transport import Session
from pmtaform.host.wire import Item, call, common, setting

MAX_DEPTH = 16
MAX_FILES = 20_000
HASH_ONLY = "hash"  # as a digest in `Known.files`: never send the content

FindIncludes = Callable[[str, bytes], Sequence[str]]

_REASONS = {
    "symlink": "a symbolic link ({})",
    "folder": "a folder",
    "special": "not a regular file",
    "permission": "no permission to read it; does this host need sudo?",
    "large": "larger than 64 MiB",
    "moving": "it changed while it was read",
}


@dataclass(slots=True)
class _Found:
    """What the answers so far say."""

    files: dict[str, LiveFile] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    unreadable: dict[str, str] = field(default_factory=dict)
    patterns: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, bytes] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        """Whether something is known of `path` already."""
        return path in self.files or path in self.missing or path in self.unreadable


def probe(session: Session, spec: HostSpec, known: Known, find_includes: FindIncludes) -> Snapshot:
    """Look at a host. `find_includes(path, content)` names what a configuration file includes: paths and patterns.

    Content is in the snapshot only where the digest is not the known one. Raises `HostError` and `Unreachable`.
    """
    found = _Found()
    paths: dict[str, str] = {spec.config: "new"}
    paths.update({path: known_digest or "new" for path, known_digest in known.files.items()})
    patterns = list(known.patterns)
    trips = 0
    while paths or patterns:
        if trips >= MAX_DEPTH or len(paths) + len(found.files) > MAX_FILES:
            raise HostError.of(
                "too-many-includes",
                "The configuration includes too much",
                f"Includes go deeper than {MAX_DEPTH} or name more than {MAX_FILES} files; does a file include itself?",
                host=spec.name,
            )
        found.fresh = {}
        _ask(session, spec, known, paths, patterns, found, first=trips == 0)
        trips += 1
        paths, patterns = _wanted(found, find_includes)
    return _snapshot(spec, known, found, trips)


def _ask(
    session: Session,
    spec: HostSpec,
    known: Known,
    paths: dict[str, str],
    patterns: Iterable[str],
    found: _Found,
    *,
    first: bool,
) -> None:
    """One exec."""
    body = common(spec)
    body.append(setting("salt", checked(known.salt, "salt", spec.name), spec.name))
    body.append(setting("timeout", f"{max(1, round(spec.command_timeout))}", spec.name))
    stamp = known.version_stamp if first else found.facts.get("stamp", "")
    body.append(setting("stamp", stamp or "?", spec.name))
    for path, want in paths.items():
        body.append(encode(f"file {want} {checked_path(path, spec.name)}\n"))
    for pattern in patterns:
        body.append(encode(f"pattern {checked_path(pattern, spec.name)}\n"))
    body.append(b"end\n")
    items = call(session, spec, "probe", body, timeout=spec.connect_timeout + 2 * spec.command_timeout + 30)
    _take(items, known.salt, found)


def _take(items: Iterable[Item], salt: str, found: _Found) -> None:
    """Put an answer into `found`."""
    matches: list[str] = []
    for item in items:
        if item.key == "file":
            _take_file(item.rest, found)
        elif item.key == "data":
            path = decode(item.rest)
            content = item.data or b""
            live = found.files[path]
            # What was received is what counts: the file may have changed between digest and reading.
            found.files[path] = LiveFile(
                path=path,
                digest=digest(salt, content),
                mode=live.mode,
                owner=live.owner,
                group=live.group,
                size=len(content),
                content=content,
            )
            found.fresh[path] = content
        elif item.key == "bad":
            reason, _, rest = decode(item.rest).partition("\t")
            path, _, more = rest.partition("\t")
            found.unreadable[path] = _REASONS.get(reason, "unreadable").format(one_line(more))
        elif item.key == "absent":
            found.missing.add(decode(item.rest))
        elif item.key == "pattern":
            matches = found.patterns.setdefault(decode(item.rest), [])
            matches.clear()
        elif item.key == "match":
            matches.append(decode(item.rest))
        elif item.key == "version":
            found.facts["version"] = one_line(item.data or b"")
        else:
            found.facts[item.key] = clean(item.rest, 400)


def _take_file(rest: bytes, found: _Found) -> None:
    fields = decode(rest).split("\t", 7)
    hexdigest, mode, uid, gid, size, owner, group, path = fields
    found.files[path] = LiveFile(
        path=path,
        digest=hexdigest,
        mode=stat.S_IMODE(int(mode, 16)),
        owner=uid if owner == "UNKNOWN" else owner,
        group=gid if group == "UNKNOWN" else group,
        size=int(size),
    )


def _wanted(found: _Found, find_includes: FindIncludes) -> tuple[dict[str, str], list[str]]:
    """What the fresh contents include and nobody has asked for yet."""
    paths: dict[str, str] = {}
    patterns: list[str] = []
    for path, content in found.fresh.items():
        for named in find_includes(path, content):
            if any(c in named for c in "*?["):
                if named not in found.patterns and named not in patterns:
                    patterns.append(named)
            elif not found.has(named):
                paths[named] = "new"
    return paths, patterns


def _snapshot(spec: HostSpec, known: Known, found: _Found, trips: int) -> Snapshot:
    facts = found.facts
    stamp = "" if facts.get("stamp", "-") == "-" else facts["stamp"]
    version: str | None = None
    if stamp:
        version = facts.get("version", known.version if stamp == known.version_stamp else None)
    lock = None
    if "lock-id" in facts:
        lock = lock_info(facts)
    return Snapshot(
        host=spec.name,
        machine_id=facts.get("machine", ""),
        version=version or None,
        version_stamp=stamp,
        files=found.files,
        missing=frozenset(found.missing),
        unreadable=found.unreadable,
        patterns={pattern: tuple(names) for pattern, names in found.patterns.items()},
        generation=int(facts.get("generation", "0") or 0),
        lock=lock,
        pending=facts.get("pending") or None,
        round_trips=trips,
    )


def lock_info(facts: dict[str, str]) -> LockInfo:
    """The holder that an answer's `lock-…` lines name."""
    return LockInfo(
        who=facts.get("lock-who", ""),
        what=facts.get("lock-what", ""),
        since=facts.get("lock-since", ""),
        transaction=facts.get("lock-id", ""),
    )
