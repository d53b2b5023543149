"""What a host has now, in one round trip for a host that did not change."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pmtaform.diagnostics.codes.hosts import TOO_MANY_INCLUDES
from pmtaform.errors import HostError
from pmtaform.host.answers import lock_info
from pmtaform.host.model import Awaiting, HostSpec, Known, LiveFile, Past, Snapshot, Waiting, digest
from pmtaform.host.text import checked, checked_path, clean, decode, encode, one_line
from pmtaform.host.transport import Session
from pmtaform.host.wire import AnswerLine, call, common, setting

MAX_DEPTH = 16
MAX_FILES = 20_000
HASH_ONLY = "hash"  # as a digest in `Known.files`: never send the content

_STREAMS = frozenset({"log_input", "log_output"})

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
    """The answers so far."""

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

    Content is in the snapshot only where the digest is not the known one. An include that leads out of the folder
    that is the host's root is not followed. Raises `HostError` and `Unreachable`.
    """
    seen = _Found()
    paths: dict[str, str] = {spec.config: "new"}
    paths.update({path: known_digest or "new" for path, known_digest in known.files.items()})
    patterns = list(known.patterns)
    trips = 0
    most = MAX_FILES + len(paths)  # keys and files of a stack, however many, are no includes
    while paths or patterns:
        if trips >= MAX_DEPTH or len(paths) + len(seen.files) > most:
            raise HostError.of(
                TOO_MANY_INCLUDES,
                f"Includes go deeper than {MAX_DEPTH} or name more than {MAX_FILES} files; does a file include itself?",
                host=spec.name,
            )
        seen.fresh = {}
        stamp = seen.facts.get("stamp", "") if trips else known.version_stamp
        lines = _look(spec, known, paths, patterns, stamp)
        _take(_ask(session, spec, lines, asks_sudo=spec.sudo and not trips), seen)
        trips += 1
        paths, patterns = _wanted(spec, seen, find_includes)
    return _snapshot(spec, known, seen, trips)


def _ask(session: Session, spec: HostSpec, look: list[bytes], *, asks_sudo: bool) -> list[AnswerLine]:
    """The answer to one request that has the host look at what `look` names."""
    sudo = [setting("sudo-log", "yes", spec.name)] if asks_sudo else []
    timeout = spec.connect_timeout + 2 * spec.command_timeout + 30
    return call(session, spec, "probe", [*common(spec), *sudo, *look], timeout=timeout)


def look_lines(spec: HostSpec, known: Known) -> list[bytes]:
    """The lines that have the host look at what is known of it, behind the settings of another request."""
    paths = {path: known_digest or "new" for path, known_digest in known.files.items()}
    return _look(spec, known, paths, known.patterns, known.version_stamp)


def snapshot_of(spec: HostSpec, known: Known, items: Iterable[AnswerLine]) -> Snapshot:
    """What the host has, as an answer to `look_lines` tells it."""
    seen = _Found()
    _take(items, seen)
    return _snapshot(spec, known, seen, 1)


def _look(spec: HostSpec, known: Known, paths: Mapping[str, str], patterns: Iterable[str], stamp: str) -> list[bytes]:
    lines = [
        setting("timeout", f"{max(1, round(spec.command_timeout))}", spec.name),
        setting("stamp", stamp or "?", spec.name),
    ]
    if known.outcome_of:
        lines.append(setting("outcome", checked(known.outcome_of, "transaction", spec.name), spec.name))
    lines.append(b"end\n")
    inside = [path for path in paths if not _leads_out(spec, path)]
    lines += [encode(f"file {paths[path]} {checked_path(path, spec.name)}\n") for path in inside]
    patterns = [pattern for pattern in patterns if not _leads_out(spec, pattern)]
    lines += [encode(f"pattern {checked_path(pattern, spec.name)}\n") for pattern in patterns]
    return [*lines, b"end\n"]


def _take(items: Iterable[AnswerLine], seen: _Found) -> None:
    """Put an answer into `found`."""
    matches: list[str] = []
    for item in items:
        if item.key == "file":
            _take_file(item.rest, seen)
        elif item.key == "data":
            path = decode(item.rest)
            content = item.data or b""
            live = seen.files[path]
            # What was received is what counts: the file may have changed between digest and reading.
            seen.files[path] = LiveFile(
                path=path,
                digest=digest(content),
                mode=live.mode,
                owner=live.owner,
                group=live.group,
                size=len(content),
                content=content,
            )
            seen.fresh[path] = content
        elif item.key == "bad":
            reason, _, rest = decode(item.rest).partition("\t")
            path, _, more = rest.partition("\t")
            seen.unreadable[path] = _REASONS.get(reason, "unreadable").format(one_line(more))
        elif item.key == "absent":
            seen.missing.add(decode(item.rest))
        elif item.key == "pattern":
            matches = seen.patterns.setdefault(decode(item.rest), [])
            matches.clear()
        elif item.key == "match":
            matches.append(decode(item.rest))
        elif item.key == "version":
            seen.facts["version"] = one_line(item.data or b"")
        elif item.key == "awaiting":
            seen.facts["awaiting"] = decode(item.rest)
        else:
            seen.facts[item.key] = clean(item.rest, 400)


def _take_file(rest: bytes, seen: _Found) -> None:
    fields = decode(rest).split("\t", 8)
    hexdigest, mode, uid, gid, size, owner, group, _, path = fields
    seen.files[path] = LiveFile(
        path=path,
        digest=hexdigest,
        mode=stat.S_IMODE(int(mode, 16)),
        owner=uid if owner == "UNKNOWN" else owner,
        group=gid if group == "UNKNOWN" else group,
        size=int(size),
    )


def _wanted(spec: HostSpec, seen: _Found, find_includes: FindIncludes) -> tuple[dict[str, str], list[str]]:
    """What the fresh contents include and was not asked for yet."""
    paths: dict[str, str] = {}
    patterns: list[str] = []
    for path, content in seen.fresh.items():
        for named in find_includes(path, content):
            if _leads_out(spec, named):
                continue
            if any(c in named for c in "*?["):
                if named not in seen.patterns and named not in patterns:
                    patterns.append(named)
            elif not seen.has(named):
                paths[named] = "new"
    return paths, patterns


def _leads_out(spec: HostSpec, path: str) -> bool:
    """Whether a path, or a pattern, climbs out of the folder that is the host's root."""
    return spec.root != "/" and posixpath.normpath(path.lstrip("/")).partition("/")[0] == ".."


def _snapshot(spec: HostSpec, known: Known, seen: _Found, trips: int) -> Snapshot:
    facts = seen.facts
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
        files=seen.files,
        missing=frozenset(seen.missing),
        unreadable=seen.unreadable,
        patterns={pattern: tuple(names) for pattern, names in seen.patterns.items()},
        generation=int(facts.get("generation", "0") or 0),
        lock=lock,
        awaiting=_awaiting(facts.get("awaiting", "")),
        unsettled=facts.get("unsettled") or None,
        past=_past(known.outcome_of, facts),
        sudo_log=frozenset(facts.get("sudo-log", "").split()) & _STREAMS,
        round_trips=trips,
    )


def _awaiting(line: str) -> Awaiting | None:
    fields = [one_line(field) for field in line.split("\t", 5)]
    if len(fields) != 6 or fields[1] not in set(Waiting):
        return None
    transaction, state, left, since, who, what = fields
    return Awaiting(
        transaction=transaction,
        state=Waiting(state),
        left=int(left) if left.isdigit() else 0,
        since=since,
        who=who,
        what=what,
    )


def _past(transaction: str, facts: Mapping[str, str]) -> Past | None:
    if not transaction or "outcome-status" not in facts:
        return None
    number = facts.get("outcome-generation", "0")
    return Past(
        transaction=transaction,
        status=facts["outcome-status"],
        step=facts.get("outcome-step", ""),
        reason=facts.get("outcome-reason", ""),
        generation=int(number) if number.isdigit() else 0,
    )
