"""A transaction as `agent.sh` reads it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pmtaform.diagnostics.codes.hosts import BAD_OWNER, BAD_TRANSACTION_ID, FILE_TWICE
from pmtaform.errors import HostError
from pmtaform.host.model import Activation, FileKind, HostSpec, ListenerAddress, Transaction, digest
from pmtaform.host.text import checked, checked_path, encode, plain
from pmtaform.host.wire import common, setting

_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]*\$?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a transaction. `content` None and `kept` empty: it is to be removed."""

    path: str
    kind: FileKind
    content: bytes | None = field(default=None, repr=False)
    kept: str = ""  # "NNNNNN/n": the copy in a kept generation
    mode: int | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything that one transaction on a host needs."""

    id: str
    who: str
    what: str
    started: str
    changes: Sequence[FileChange] = ()
    expect: Mapping[str, str] = field(default_factory=dict)
    expect_patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    activation: Activation = Activation.NONE
    restart_web: bool = False
    test_config: bool = False
    stage: bool = False
    confirm_within: float = 0.0
    listeners: Sequence[ListenerAddress] = ()
    questions: Sequence[Sequence[str]] = ()
    logs: Sequence[str] = ()
    plan: str = ""
    commit: str = ""
    record: bytes = field(default=b"", repr=False)
    base: Sequence[str] = ()


def of_transaction(tx: Transaction, *, stage: bool = False) -> Request:
    """The request for a plan's transaction; with `stage` it goes no further than that."""
    writes = [FileChange(w.path, w.kind, w.content, "", w.mode, w.owner, w.group) for w in tx.writes]
    removals = [FileChange(r.path, r.kind) for r in tx.removals]
    return Request(
        id=tx.id,
        who=tx.who,
        what=tx.what,
        started=tx.started,
        changes=(*writes, *removals),
        expect=tx.expect,
        expect_patterns=tx.expect_patterns,
        activation=tx.activation,
        restart_web=tx.restart_web and tx.activation is not Activation.NONE,
        test_config=tx.test_config,
        stage=stage,
        confirm_within=tx.confirm_within,
        listeners=tx.listeners,
        questions=tx.questions,
        logs=tx.logs,
        plan=tx.plan,
        commit=tx.commit,
        record=tx.record,
        base=tx.base,
    )


def body(spec: HostSpec, request: Request) -> list[bytes]:
    """The request's parts in the order in which the agent takes them in. Raises `HostError` for unfit names."""
    if not _ID.fullmatch(request.id):
        raise HostError.of(BAD_TRANSACTION_ID, f"{request.id!r}", host=spec.name)
    lines = [*_expectations(spec, request), *_changes(spec, request), *_looks(spec, request), *_bases(spec, request)]
    text = b"".join(lines)
    contents = [change.content for change in ordered(request.changes, spec.config) if change.content is not None]
    return [
        *common(spec),
        setting("config", spec.config, spec.name),
        setting("id", request.id, spec.name),
        setting("who", plain(request.who), spec.name),
        setting("what", plain(request.what), spec.name),
        setting("since", plain(request.started), spec.name),
        setting("timeout", str(seconds(spec)), spec.name),
        setting("activation", request.activation.value, spec.name),
        setting("web", "yes" if request.restart_web else "no", spec.name),
        setting("test", "yes" if request.test_config else "no", spec.name),
        setting("keep", str(max(1, spec.generations)), spec.name),
        setting("confirm", str(whole_seconds(request.confirm_within)), spec.name),
        setting("stage", "yes" if request.stage else "no", spec.name),
        *(setting(meaning, f"{command} {text}", spec.name) for meaning, command, text in spec.expect.rows()),
        *(setting("log", checked_path(path, spec.name), spec.name) for path in request.logs),
        *(setting("plan", plain(request.plan), spec.name) for _ in range(bool(request.plan))),
        *(setting("commit", plain(request.commit), spec.name) for _ in range(bool(request.commit))),
        *(setting("reload", word, spec.name) for word in spec.reload_command),
        *(setting("restart", word, spec.name) for word in spec.restart_command),
        *(setting("restart-web", word, spec.name) for word in spec.restart_web_command),
        f"size {len(text)}\nrecord {len(request.record)}\nend\n".encode("ascii"),
        text,
        *contents,
        request.record,
    ]


def whole_seconds(seconds: float) -> int:
    """Seconds as the shell counts them; more than nothing is one at least."""
    return math.ceil(seconds)


def seconds(spec: HostSpec) -> int:
    """How long one `pmta` command may take, in whole seconds, as `timeout` needs them."""
    return max(1, math.ceil(spec.command_timeout))


def ordered(changes: Iterable[FileChange], main: str) -> list[FileChange]:
    """Keys, then what is included, then the main file: none names what is not there yet. Otherwise as given."""
    return sorted(changes, key=lambda change: (change.kind is not FileKind.KEY, change.path == main))


def _expectations(spec: HostSpec, request: Request) -> list[bytes]:
    changed = {change.path for change in request.changes}
    lines = [
        _line("expect", checked(d, "digest", spec.name), checked_path(p, spec.name))
        for p, d in request.expect.items()
        if p not in changed
    ]
    for pattern, names in request.expect_patterns.items():
        lines.append(_line("pattern", checked_path(pattern, spec.name)))
        lines += [_line("match", checked_path(name, spec.name)) for name in sorted(names, key=encode)]
        lines.append(_line("matched", "-"))
    return lines


def _changes(spec: HostSpec, request: Request) -> list[bytes]:
    lines = []
    seen: set[str] = set()
    for n, change in enumerate(ordered(request.changes, spec.config), 1):
        path = checked_path(change.path, spec.name)
        if path in seen:
            raise HostError.of(FILE_TWICE, f"{path} is in it twice.", host=spec.name)
        seen.add(path)
        removal = change.content is None and not change.kept
        lines.append(
            _line(
                "remove" if removal else "write",
                str(n),
                change.kind.value,
                "-" if change.mode is None else f"{change.mode & 0o7777:o}",
                _name(change.owner, spec.name),
                _name(change.group, spec.name),
                "-" if change.content is None else digest(change.content),
                f"kept/{change.kept}" if change.kept else ("-" if change.content is None else str(len(change.content))),
                checked(request.expect.get(change.path, "?"), "digest", spec.name),
                path,
            )
        )
    return lines


def _looks(spec: HostSpec, request: Request) -> list[bytes]:
    lines = [
        _line("listener", checked(each.address, "address", spec.name), str(each.port), "new" if each.new else "old")
        for each in request.listeners
    ]
    return lines + [_line("ask", *(checked(word, "word", spec.name) for word in words)) for words in request.questions]


def _bases(spec: HostSpec, request: Request) -> list[bytes]:
    """The files that the host keeps a copy of: as they will be written, or as they are."""
    written = {change.path for change in request.changes}
    return [_line("base", "new" if p in written else "old", checked_path(p, spec.name)) for p in request.base]


def _name(owner: str | None, host: str) -> str:
    if owner is None:
        return "-"
    if not _OWNER.fullmatch(owner):
        raise HostError.of(BAD_OWNER, f"{owner!r} is not the name of a user or group.", host=host)
    return owner


def _line(*fields: str) -> bytes:
    return encode("\t".join(fields) + "\n")
