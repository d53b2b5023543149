"""What is linted, and where it comes from: files of this machine, a stack, or a live host. Nothing is written here.

A folder stands for a machine's root when it holds `etc/pmta/config`, else for its `/etc/pmta`; absolute paths of
includes are looked up inside it.
"""

from __future__ import annotations

import glob
import os
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.errors import PmtaformError, UsageError
from pmtaform.host import HASH_ONLY, Known, probe
from pmtaform.host_specs import host_spec
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.includes import (
    Configuration,
    absolute_includes,
    is_pattern,
    read_configuration,
    single,
)
from pmtaform.lang.lint import FileFacts, Finding, Subject, lint
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.references import named_file
from pmtaform.lang.parsing import parse, parse_bytes
from pmtaform.lang.splices import FileEdit
from pmtaform.lang.tree import Directive
from pmtaform.reading import read_any
from pmtaform.stack import Stack, compile_host
from pmtaform.stack.linting import sources_of, subject_of
from pmtaform.stack.resolve import resolver_for

MAIN = "/etc/pmta/config"
DEFAULTS = "/etc/pmta/config-defaults"
_FOLDER = "/etc/pmta/"
_MOST_FILES = 20_000
_MOST_AT_A_PLACE = 5
_INCLUDED = ("smtp-pattern-list", "domain", "virtual-mta", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rules to ask. `ignored`: findings that a comment ignores are wanted, too."""

    only: Collection[str] | None = None
    disabled: Collection[str] = ()
    enabled: Collection[str] = ()
    ignored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """What was linted, and what was found. `files` maps the configuration's paths to files of this machine.

    `findings` are what a person reads: a few of what is found again and again at one place. `every` has them all.
    """

    findings: tuple[Finding, ...]
    every: tuple[Finding, ...] = ()
    subjects: tuple[Subject, ...] = field(repr=False, default=())
    files: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Sequence[str]] = field(repr=False, default_factory=dict)

    def line(self, place: Place) -> str | None:
        """The line of a file at a place, if it was read."""
        lines = self.sources.get(place.file)
        return lines[place.line - 1] if lines and place.line and place.line <= len(lines) else None


# -- files of this machine -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Root:
    """Where the machine's files are: `folder` stands for its directory `stands_for`."""

    folder: str
    stands_for: str = "/"

    def local(self, path: str) -> str | None:
        """The file of this machine for a path of the configured one."""
        path = posixpath.normpath(path)
        if self.stands_for == "/":
            return os.path.join(self.folder, path.lstrip("/"))  # noqa: PTH118 - text in, text out
        if not path.startswith(self.stands_for + "/"):
            return None
        return os.path.join(self.folder, path[len(self.stands_for) + 1 :])  # noqa: PTH118

    def matching(self, pattern: str) -> list[str]:
        """The paths of the configured machine that an include pattern names."""
        local = self.local(pattern)
        base = self.local(self.stands_for + "/x") if self.stands_for != "/" else os.path.join(self.folder, "x")  # noqa: PTH118
        if local is None or base is None:
            return []
        base = base[:-1]
        found = glob.glob(glob.escape(base) + local[len(base) :])  # noqa: PTH207 - patterns are the product's
        top = "/" if self.stands_for == "/" else self.stands_for + "/"
        return sorted(top + name[len(base) :] for name in found if Path(name).is_file())


def locate(path: Path) -> tuple[Root, str]:
    """The root that a path belongs to, and the configuration's main file in it. Raises `UsageError`."""
    if path.is_dir():
        if (path / "etc/pmta/config").is_file():
            return Root(str(path)), MAIN
        if (path / "config").is_file():
            return Root(str(path), "/etc/pmta"), MAIN
        raise UsageError.of(
            "no-configuration",
            "There is no configuration in the folder",
            "A folder stands for a machine's root (it holds etc/pmta/config) or for its /etc/pmta (it holds config).",
            place=Place(str(path)),
        )
    if not path.exists():
        raise UsageError.of("no-such-file", "There is no such file", "Name a file or a folder.", place=Place(str(path)))
    text = str(path)
    at = os.path.abspath(text).find(_FOLDER)  # noqa: PTH100 - links are not resolved
    if at >= 0:
        absolute = os.path.abspath(text)  # noqa: PTH100
        shown = text[: len(text) - len(absolute) + at] if text.endswith(absolute[at:]) else absolute[:at]
        return Root(shown or "/"), absolute[at:]
    return Root(str(path.parent), "/etc/pmta"), _FOLDER + path.name


def lint_path(path: Path, choice: Choice, *, version: str | None = None) -> Linted:
    """Lint a file or folder with what it includes. Raises `UsageError` when it cannot be read."""
    root, main = locate(path)
    files: dict[str, bytes] = {}
    local: dict[str, str] = {}
    patterns: dict[str, list[str]] = {}
    pending = [main]
    while pending and len(files) < _MOST_FILES:
        name = pending.pop()
        here = str(path) if name == main and not path.is_dir() else root.local(name)
        content = _content(here, required=name == main)
        if content is None or here is None or name in files:
            continue
        files[name], local[name] = content, here
        for argument in absolute_includes("", content):
            if is_pattern(argument):
                patterns[argument] = root.matching(argument)
            pending += patterns[argument] if is_pattern(argument) else [argument]
    configuration = read_configuration(main, files, patterns)
    whole = path.is_dir() or _is_whole(configuration, path.name)
    subject = Subject(
        configuration=configuration if whole else _in_its_section(configuration),
        whole=whole,
        defaults=_defaults(root, main, files),
        version=version,
        files=_facts(configuration, local) if root == Root("/") else None,
    )
    return linted([subject], choice, local)


def _content(path: str | None, *, required: bool) -> bytes | None:
    if path is None:
        return None
    try:
        return read_any(Path(path))
    except (OSError, ValueError) as problem:
        if not required:
            return None
        why = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UsageError.of("unreadable", "The file cannot be read", f"{why}.", place=Place(path)) from None


def _is_whole(configuration: Configuration, name: str) -> bool:
    """Whether a single file is all of a configuration: by its name, or by what no configuration is without."""
    if name in ("config", "config.dat"):
        return True
    facts = Facts(Subject(configuration=configuration))
    return any(facts.settings(word) or facts.top(word) for word in ("log-file", "spool"))


def _in_its_section(configuration: Configuration) -> Configuration:
    """A file whose lines make sense inside one kind of section only is read as if it stood there."""
    tree = configuration.tree
    names = [node.name for node in tree.children if isinstance(node, Directive)]
    known = catalogue()
    if not names or all(known.directive(GLOBAL, name) for name in names):
        return configuration
    for scope in _INCLUDED:
        if all(known.directive(scope, name) for name in names):
            read = parse(str(tree), tree.path, scope=scope)
            trees = {**configuration.trees, tree.path: read}
            return replace(configuration, trees=trees)
    return configuration


def _defaults(root: Root, main: str, files: Mapping[str, bytes]) -> Configuration | None:
    """The vendor's defaults, where they are beside the configuration."""
    if main == DEFAULTS or DEFAULTS in files:
        return None
    content = _content(root.local(DEFAULTS), required=False)
    return None if content is None else single(parse_bytes(content, DEFAULTS))


def _facts(configuration: Configuration, local: Mapping[str, str]) -> dict[str, FileFacts]:
    """What is known of the configuration's own files and of those that it names, on this machine."""
    facts = Facts(Subject(configuration=configuration))
    named = {path for line in facts.lines if (path := named_file(line))}
    found: dict[str, FileFacts] = {}
    for path in {*named, *local}:
        try:
            found[path] = FileFacts(mode=Path(path).stat().st_mode & 0o7777)
        except FileNotFoundError:
            found[path] = FileFacts(exists=False)
        except (OSError, ValueError):
            continue  # not to be looked at from here: nothing is known of it
    return found


# -- stacks --------------------------------------------------------------------------------------------------------


def lint_stack(stack: Stack, choice: Choice, *, hosts: Iterable[str] = (), version: str | None = None) -> Linted:
    """Lint what every host of a stack (or those in `hosts`) would have; findings point to the stack's own lines."""
    sources = sources_of(stack)
    subjects = [
        subject_of(compile_host(stack, name), sources, version or stack.powermta) for name in hosts or stack.hosts
    ]
    return linted(subjects, choice, {}, sources)


# -- a live host ---------------------------------------------------------------------------------------------------


def lint_host(stack: Stack, name: str, choice: Choice, *, version: str | None = None) -> Linted:
    """Lint what a host has now; it is only looked at. Raises `HostError` and `Unreachable`."""
    spec = host_spec(stack, stack.hosts[name], resolver_for(stack))
    session = spec.open()
    try:
        snapshot = probe(session, spec, Known(), absolute_includes)
        contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
        configuration = read_configuration(spec.config, contents, snapshot.patterns)
        facts = Facts(Subject(configuration=configuration))
        named = {path: HASH_ONLY for line in facts.lines if (path := named_file(line))}
        found = {path: FileFacts(mode=file.mode) for path, file in snapshot.files.items()}
        if named:
            again = probe(session, spec, Known(files=named), lambda *_: ())
            found |= {path: FileFacts(mode=again.files[path].mode) for path in named if path in again.files}
            found |= {path: FileFacts(exists=False) for path in named if path in again.missing}
    finally:
        session.close()
    subject = Subject(
        configuration=configuration, version=version or snapshot.version or stack.powermta, files=found, host=name
    )
    return linted([subject], choice, {})


# -- together ------------------------------------------------------------------------------------------------------


def linted(
    subjects: Sequence[Subject],
    choice: Choice,
    local: Mapping[str, str],
    sources: Mapping[str, Sequence[str]] | None = None,
) -> Linted:
    """Ask the rules of every subject; what several hosts show is told once, without a host's name."""
    found: dict[tuple[object, ...], Finding] = {}
    for subject in subjects:
        for finding in _found(subject, choice):
            told = _local(finding, local)
            key = (told.rule.code, told.place, told.detail)
            before = found.get(key)
            found[key] = told if before is None or before.host == told.host else replace(before, host=None)
    told_of = _few_at_each_place(found.values())
    lines: dict[str, Sequence[str]] = dict(sources or {})
    for subject in subjects:
        for path, tree in subject.configuration.trees.items():
            if tree.origins is None:
                lines.setdefault(local.get(path, path), tree.lines)
    return Linted(findings=told_of, every=tuple(found.values()), subjects=tuple(subjects), files=local, sources=lines)


def _found(subject: Subject, choice: Choice) -> list[Finding]:
    return lint(subject, only=choice.only, disabled=choice.disabled, enabled=choice.enabled, ignored=choice.ignored)


def _few_at_each_place(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Of what one rule finds again and again at one place (in each round of a stack's loop), the first few."""
    counts: dict[tuple[str, Place], int] = {}
    kept: dict[tuple[str, Place, int], Finding] = {}
    for finding in findings:
        where = (finding.rule.code, finding.place)
        counts[where] = counts.get(where, 0) + 1
        if counts[where] <= _MOST_AT_A_PLACE or finding.place.line is None:
            kept[*where, counts[where]] = finding
    for where, count in counts.items():
        last = kept[*where, min(count, _MOST_AT_A_PLACE)]
        if count > _MOST_AT_A_PLACE and last.place.line is not None:
            more = f" (And {count - _MOST_AT_A_PLACE} more of the same at this place.)"
            kept[*where, _MOST_AT_A_PLACE] = replace(last, detail=last.detail + more)
    return tuple(kept.values())


def _local(finding: Finding, local: Mapping[str, str]) -> Finding:
    """The finding with its places in files of this machine."""

    def here(place: Place) -> Place:
        return replace(place, file=local[place.file]) if place.file in local else place

    return replace(finding, place=here(finding.place), related=tuple(here(place) for place in finding.related))


def write_edit(edit: FileEdit, path: str) -> None:
    """Put an edit into a file of this machine: whole or not at all, mode and owner as they were.

    Raises `PmtaformError` when it cannot be written, or is no longer what was linted.
    """
    target = Path(path).resolve()  # a symbolic link stays one
    beside = target.with_name(f".{target.name}.pmtaform")
    try:
        before = target.stat()
        if target.read_bytes() != "".join(edit.before).encode("utf-8", "surrogateescape"):
            raise PmtaformError.of(
                "file-moved", "The file changed meanwhile", "It was left as it is. Lint again.", place=Place(path)
            )
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o7777)
                file.write(edit.content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise PmtaformError.of(
            "fix-not-written", "A fix cannot be written", f"{problem.strerror or problem}.", place=Place(path)
        ) from None
