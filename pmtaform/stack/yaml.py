"""Strict YAML with positions: the only module that knows the YAML library.

The parser's events are taken one by one, so that nesting and aliases are bounded before they cost anything, and
duplicate keys are seen. What YAML 1.1 would make of a text (`no`, `1:30`, `012`) does not matter here: see `nodes`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.yaml import (
    DUPLICATE_KEY,
    YAML_ALIAS,
    YAML_DEPTH,
    YAML_DOCUMENTS,
    YAML_ENCODING,
    YAML_KEY,
    YAML_MERGE_KEY,
    YAML_SYNTAX,
    YAML_TAG,
)
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence
from pmtaform.stack.yaml_words import explain

MAX_DEPTH: Final = 40
MAX_ALIASED: Final = 100_000  # nodes that aliases may stand for, all together
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _parser(text: str) -> Any:
    try:
        from yaml._yaml import CParser
    except ImportError:  # PyYAML was built without libyaml: slower, the same answers
        return yaml.SafeLoader(text)
    return CParser(text)


def read_yaml(content: bytes, file: str, problems: Diagnostics) -> Node | None:
    """The document in `content`, or None when there is none (an empty file, or one that cannot be read).

    What is wrong goes into `problems`, as errors placed in `file`. Never raises.
    """
    text = _decoded(content, file, problems)
    if text is None:
        return None
    try:
        return _Reader(text, file, problems).run()
    except _GiveUpError:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        start = error.context_mark
        related = (Place(file, start.line + 1, start.column + 1),) if start and mark and start.line != mark.line else ()
        detail = explain(error.problem or "", error.context or "", _line(text, place))
        problems.report(YAML_SYNTAX, detail, place, related=related)
    except (yaml.YAMLError, ValueError) as error:
        problems.report(YAML_SYNTAX, f"The YAML parser reports: {error}.", Place(file))
    return None


class _GiveUpError(Exception):
    """The rest of the file is not worth reading; why is among the findings."""


def _line(text: str, place: Place) -> str:
    lines = text.splitlines()
    return lines[place.line - 1] if place.line and place.line <= len(lines) else ""


def _decoded(content: bytes, file: str, problems: Diagnostics) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(file, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        detail = f"The byte 0x{content[error.start]:02x} is not UTF-8. Save the file as UTF-8."
        problems.report(YAML_ENCODING, detail, place)
        return None
    text = text.removeprefix("\ufeff")
    if odd := _CONTROL.search(text):
        place = Place(file, text.count("\n", 0, odd.start()) + 1, odd.start() - text.rfind("\n", 0, odd.start()))
        detail = (
            f"U+{ord(odd.group()):04X} is a control character: nothing here needs it, and it is invisible. Remove it."
        )
        problems.report(YAML_ENCODING, detail, place)
        return None
    return text


class _Open:
    """A list or mapping that is being read."""

    __slots__ = ("anchor", "before", "key", "node")

    def __init__(self, node: Mapping | Sequence, anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.key: Scalar | None = None


class _Reader:
    """One run over the parser's events."""

    def __init__(self, text: str, file: str, problems: Diagnostics) -> None:
        self.parser = _parser(text)
        self.file = file
        self.problems = problems
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.anchors: dict[str, tuple[Node | None, int]] = {}
        self.count = 0  # nodes so far, those behind aliases counted each time
        self.aliased = 0
        self.documents = 0

    def run(self) -> Node | None:
        get = self.parser.get_event
        file = self.file
        while True:
            event = get()
            kind = type(event)
            if kind is ScalarEvent:
                mark = event.start_mark
                style = event.style
                node = Scalar(
                    event.value, mark.line + 1, mark.column + 1, file, style if style and style != ":" else ""
                )
                self.count += 1
                if event.anchor is not None:
                    self.anchors[event.anchor] = (node, 1)
                if event.tag is not None and event.tag != "!":
                    self._tag(event)
                self._add(node)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._enter(event, Mapping if kind is MappingStartEvent else Sequence)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._leave()
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._document(event)
            elif kind is StreamEndEvent:
                return self.root

    def _enter(self, event: Any, kind: type[Mapping] | type[Sequence]) -> None:
        mark = event.start_mark
        node = kind(mark.line + 1, mark.column + 1, self.file)
        if len(self.open) >= MAX_DEPTH:
            self.problems.report(
                YAML_DEPTH,
                f"Nothing in a stack is more than {MAX_DEPTH} levels deep. A bracket may be missing its partner.",
                node.place,
            )
            raise _GiveUpError
        if event.tag is not None and event.tag != "!":
            self._tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (None, 0)
        self.count += 1
        self.open.append(_Open(node, event.anchor, self.count - 1))

    def _leave(self) -> None:
        opened = self.open.pop()
        if opened.anchor is not None:
            self.anchors[opened.anchor] = (opened.node, self.count - opened.before)
        self._add(opened.node)

    def _add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        if isinstance(top.node, Sequence):
            top.node.items.append(node)
        elif top.key is None:
            top.key = self._key(node)
        else:
            self._entry(top.node, top.key, node)
            top.key = None

    def _entry(self, mapping: Mapping, key: Scalar, node: Node) -> None:
        first = mapping.entries.get(key.text)
        if first is None:
            mapping.entries[key.text] = (key, node)
            return
        self.problems.report(
            DUPLICATE_KEY,
            f'"{key.text}" is already at {first[0].place}; YAML would silently drop one of the two. '
            "Join them or remove one.",
            key.place,
            related=(first[0].place,),
        )

    def _key(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self.problems.report(
                YAML_KEY,
                "Keys are single values. A name that starts with [ or { is quoted, and so is a variable at the start "
                'of a key inside { }: "[*.]example.com".',
                node.place,
            )
            raise _GiveUpError
        if node.text == "<<" and not node.style:
            self.problems.report(
                YAML_MERGE_KEY,
                "`<<` hides where a value comes from. What several hosts share belongs into a group; what is the same "
                "in several sections can be written with for-each.",
                node.place,
            )
        elif not node.text:
            self.problems.report(YAML_KEY, 'Write a name before the colon ("" is none).', node.place)
        return node

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        place = Place(self.file, mark.line + 1, mark.column + 1)
        node, weight = self.anchors.get(event.anchor, (None, -1))
        if node is None:
            why = "is inside of itself" if weight == 0 else "is defined nowhere above"
            self.problems.report(
                YAML_ALIAS,
                f"`*{event.anchor}` is a YAML alias, and `&{event.anchor}` {why}. "
                f'If a text with a star was meant, quote it: "*{event.anchor}".',
                place,
            )
            raise _GiveUpError
        self.aliased += weight
        self.count += weight
        if self.aliased > MAX_ALIASED:
            self.problems.report(
                YAML_ALIAS,
                f"All aliases together expand to more than {MAX_ALIASED} values. Write it once, in a group.",
                place,
            )
            raise _GiveUpError
        self._add(node)

    def _tag(self, event: Any) -> None:
        mark = event.start_mark
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self.problems.report(
            YAML_TAG,
            f"`{tag}` is a YAML tag. Values are text as written; quote a text that starts with `!`.",
            Place(self.file, mark.line + 1, mark.column + 1),
        )

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents == 2:
            self.problems.report(
                YAML_DOCUMENTS,
                "A line of `---` starts a second document. All files of a stack are one document already: remove the "
                "line, or move the second document into another file.",
                Place(self.file, event.start_mark.line + 1, 1),
            )
            raise _GiveUpError
