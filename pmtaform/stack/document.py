"""The YAML files of a stack's folder, read as one document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.stack import STACK_SHAPE
from pmtaform.diagnostics.codes.yaml import DUPLICATE_KEY, NO_FILE, NO_STACK, STACK_OUTSIDE
from pmtaform.reading import read_regular
from pmtaform.stack.nodes import Mapping, Scalar, kind_of
from pmtaform.stack.yaml import read_yaml

MAX_FILE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """All files of a stack as one mapping. `contents` are the bytes read, by the name that places show."""

    root: Mapping
    contents: tuple[tuple[str, bytes], ...]


def yaml_files(folder: Path) -> list[Path]:
    """The stack files of a folder in the order of their names; hidden ones are none."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".") and not path.is_dir()
    )


def root_of(folder: Path) -> Path:
    """The root of the project that a stack's folder lies in; the folder itself where it lies in none."""
    here = folder.resolve()
    return here.parent.parent if here.parent.name == "stacks" else here


def read_document(folder: Path, shown: str, problems: Diagnostics) -> Document:
    """Read every stack file of `folder`. `shown` is how places name the folder. Problems go into `problems`."""
    root = Mapping(1, 1, shown)
    contents: list[tuple[str, bytes]] = []
    try:
        paths = yaml_files(folder)
    except OSError as error:
        detail = f"{error.strerror}. A stack is a folder of YAML files: stacks/NAME/*.yaml."
        problems.report(NO_STACK, detail, Place(shown))
        return Document(root, ())
    if not paths:
        detail = "A stack is a folder of YAML files. `pmtaform init NAME` writes one to start from."
        problems.report(NO_STACK, detail, Place(shown))
    for path in paths:
        name = f"{shown}/{path.name}"
        if not path.resolve().is_relative_to(root_of(folder)):
            detail = f"{path.name} is a link that leads out of the project. Put the file itself there."
            problems.report(STACK_OUTSIDE, detail, Place(name))
            continue
        content = read_file(path, name, problems)
        if content is None:
            continue
        contents.append((name, content))
        node = read_yaml(content, name, problems)
        if isinstance(node, Mapping):
            _merge(root, node, problems)
        elif node is not None and not (isinstance(node, Scalar) and node.is_null):
            detail = f"It is {kind_of(node)}. A stack file is a mapping with keys such as hosts and config."
            problems.report(STACK_SHAPE, detail, node.place)
    return Document(root, tuple(contents))


def read_file(path: Path, shown: str, problems: Diagnostics, place: Place | None = None) -> bytes | None:
    """The bytes of a file that a stack names, or None; why not goes into `problems`."""
    try:
        if not path.is_file():
            problems.report(NO_FILE, f"{shown}: {_why_no_file(path)}", place or Place(shown))
            return None
        if path.stat().st_size > MAX_FILE:
            problems.report(NO_FILE, f"{shown} is larger than 64 MB.", place or Place(shown))
            return None
        return read_regular(path, MAX_FILE)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problems.report(NO_FILE, f"{shown}: {why}.", place or Place(shown))
        return None


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return "It is a folder, not a file."
    return "It is not a regular file." if path.exists() else "There is no such file."


def _merge(into: Mapping, more: Mapping, problems: Diagnostics) -> None:
    for text, (key, node) in more.entries.items():
        known = into.entries.get(text)
        if known is None:
            into.entries[text] = (key, node)
        elif isinstance(known[1], Mapping) and isinstance(node, Mapping):
            own = _copy(known[1])  # the node may stand elsewhere too, by an alias
            _merge(own, node, problems)
            into.entries[text] = (known[0], own)
        else:
            problems.report(
                DUPLICATE_KEY,
                f'"{text}" is already at {known[0].place}, in another file of the stack: all its files are one '
                "document. Join them or remove one.",
                key.place,
                related=(known[0].place,),
            )


def _copy(node: Mapping) -> Mapping:
    copy = Mapping(node.line, node.column, node.file)
    copy.entries = dict(node.entries)
    return copy
