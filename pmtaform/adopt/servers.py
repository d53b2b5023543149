"""Where an import reads from: `ssh://[user@]host[:port]`, a machine's root, a copy of /etc/pmta, one file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pmtaform.diagnostics.codes.imports import IMPORT_SOURCE
from pmtaform.errors import UsageError
from pmtaform.stack.paths import ALWAYS, MAIN

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOME: Final = MAIN.lstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSource:
    """One place to read from. Over SSH when `address` is set; else `root` is a machine's root, or `file` the main file.

    `name` is the host's; `spare` a longer one, for when two hosts would have the same.
    """

    text: str
    name: str
    spare: str
    address: str = ""
    user: str | None = None
    port: int | None = None
    root: Path | None = None
    file: Path | None = None


def read_sources(texts: Sequence[str]) -> list[ImportSource]:
    """What the texts mean, each with its own name. Raises `UsageError`."""
    sources = [_source(text) for text in texts]
    for what in ("name", "spare"):
        counts = Counter(source.name.lower() for source in sources)
        if what == "name":
            sources = [replace(s, name=s.spare) if counts[s.name.lower()] > 1 else s for s in sources]
        else:
            sources = list(_numbered(sources))
    return sources


def _numbered(sources: Iterable[ImportSource]) -> Iterable[ImportSource]:
    taken: set[str] = set()
    for source in sources:
        name, number = source.name, 2
        while name.lower() in taken:
            name, number = f"{source.name}-{number}", number + 1
        taken.add(name.lower())
        yield replace(source, name=name)


def _source(text: str) -> ImportSource:
    if "://" in text:
        return _url(text)
    path = Path(text).expanduser()
    if path.is_file():
        return _file(text, path)
    if not path.is_dir():
        raise _wrong(text, "There is no such file or folder.")
    if (path / _HOME).exists():
        return _root(text, path)
    if (path / "config").exists():
        return _file(text, path / "config")
    detail = f"The folder holds neither {_HOME} (a machine's root) nor config (a copy of {ALWAYS})."
    raise _wrong(text, detail + _inside(path))


def _inside(path: Path) -> str:
    """A hint for a folder that holds the folders of several servers."""
    names = sorted(child.name for child in path.iterdir() if (child / _HOME).exists() or (child / "config").exists())
    if not names:
        return ""
    shown = " ".join(f"--from {path / name}" for name in names[:5])
    return f" Folders in it do; name each of them: {shown}{' …' if len(names) > 5 else ''}."


def _url(text: str) -> ImportSource:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError as problem:
        raise _wrong(text, f"{str(problem).rstrip('.')}.") from None
    problem_said = _url_problem(url, host)
    if host is None or problem_said:
        raise _wrong(text if url.password is None else f"{url.scheme}://…", problem_said)
    whole = _fit(host.replace(":", "-"))
    is_address = re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", host) is not None
    short = whole if is_address else _fit(whole.partition(".")[0])
    return ImportSource(text=text, name=short, spare=whole, address=host, user=url.username or None, port=port)


def _url_problem(url: SplitResult, host: str | None) -> str:
    if url.scheme != "ssh":
        return f"{url.scheme}:// is not supported; servers are reached over ssh://."
    if not host:
        return "It names no host."
    if url.password is not None:
        return "A password in a URL is visible to everyone. Log in with a key."
    if url.path.strip("/") or url.query or url.fragment:
        return "A URL ends after the host and its port; the configuration is /etc/pmta/config there."
    if host.startswith("-") or (url.username or "").startswith("-"):
        return "Neither user nor host may start with a dash."
    return ""


def _root(text: str, path: Path) -> ImportSource:
    root = path.resolve()
    return ImportSource(text=text, name=_fit(root.name), spare=_fit(f"{root.parent.name}-{root.name}"), root=root)


def _file(text: str, path: Path) -> ImportSource:
    """A file: as part of a machine's root where it lies at its place in one."""
    absolute = path.absolute()
    if absolute.as_posix().endswith(MAIN):
        return _root(text, Path(absolute.as_posix()[: -len(MAIN)] or "/"))
    stem = absolute.parent.name if absolute.name == "config" else absolute.name.partition(".")[0]
    return ImportSource(
        text=text, name=_fit(stem), spare=_fit(f"{absolute.parent.name}-{absolute.name}"), file=absolute
    )


def _fit(text: str) -> str:
    """A name that a host may have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return name if _NAME.fullmatch(name) else "local"


def _wrong(text: str, why: str) -> UsageError:
    forms = "Write ssh://[user@]host[:port], a folder or a file."
    return UsageError.of(IMPORT_SOURCE, f'"{text}": {why} {forms}')
