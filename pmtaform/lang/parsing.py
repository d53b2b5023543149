"""From the text of one PowerMTA configuration file to its tree.

`str(parse(text)) == text` for every text whatever. Lines that make no sense become `Junk` with a diagnostic; parsing
never stops.

Facts (docs/powermta/language.md section 1): one directive a line, `#` starts a comment anywhere on a line, a tag has
its own line, no continuation is documented. Published files have continued lists and broken regexes all the same:
they become one node over several lines, and are reported.
"""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import BLANKS, Directive, Junk, Node, Section, Tree, decode, split_lines

# str.split() takes these for blanks; PowerMTA is not known to. They send a file down the careful path.
_ODD_SPACE: Final = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_PLAIN: Final = bytes([9, 10, 13, *range(32, 127)])
_RULE_KEYWORDS: Final = frozenset({"reply", "mail-from", "rcpt-to", "header"})
_WORD: Final = re.compile(r"[^ \t\r\n\x0b\x0c]+")


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep the cycle collector out of building many objects at once; it doubles the time of a large parse."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # Into the oldest generation without a look at each: the next collection would cost as much again.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def parse(
    text: str,
    path: str = "",
    *,
    scope: str = "global",
    origins: Sequence[Place | None] | None = None,
) -> Tree:
    """The tree of `text`. Never fails; what is odd is in the tree's `diagnostics`."""
    with gc_paused():
        return _Parser(text, path, scope, origins).run()


def parse_bytes(content: bytes, path: str = "", *, scope: str = "global") -> Tree:
    """The tree of a file's bytes. Many hosts have the same: the last few trees are shared, unless they are large."""
    return (_recent if len(content) <= _SHARED else _parsed)(content, path, scope)


def _parsed(content: bytes, path: str, scope: str) -> Tree:
    return parse(decode(content), path, scope=scope)


_SHARED: Final = 2**18  # bytes; such a tree takes 2 MB
_recent = lru_cache(maxsize=8)(_parsed)


_Meaning = tuple[int, str, str]  # what sort of line, the name or tag, the value or argument
_DIRECTIVE, _BLANK, _OPEN, _CLOSE = range(4)
_NOTHING: Final[_Meaning] = (_BLANK, "", "")
_MEANINGS: Final = 4096  # as many lines are kept in mind


class _ClosingTags(dict[str, str]):
    """What closes a section, by its tag."""

    def __missing__(self, tag: str) -> str:
        self[tag] = found = f"</{tag}>"
        return found


def _opening(name: str, value: str) -> _Meaning | None:
    """The meaning of `<tag argument>`, split into words; None for everything that is not as plain as that."""
    tag, argument = name[1:].lower(), value[:-1].rstrip(BLANKS)
    plain = argument and "<" not in argument and ">" not in argument and tag.replace("-", "").isalnum()
    if name[0] == "<" and value[-1] == ">" and plain:
        return (_OPEN, tag, argument)
    return None


class _Parser:
    """One run over the lines, with a stack of open sections."""

    def __init__(self, text: str, path: str, scope: str, origins: Sequence[Place | None] | None) -> None:
        self.lines = split_lines(text)
        self.found = Diagnostics()
        self.tree = Tree(path, self.lines, [], (), scope, origins)
        self.open: list[Section] = []
        self.children: list[Node] = self.tree.children
        self.plain_names: dict[str, str] = {}  # of directives; each once, however many lines have it
        self.fitting: set[tuple[str, str]] = set()  # tags, and the tags that they may stand in
        self.careful = not text.isascii() or any(c in text for c in "\x1c\x1d\x1e\x1f")
        self._inspect_bytes(text)

    def run(self) -> Tree:  # noqa: C901  (one loop on purpose)
        # The loop is written out because it runs once per line, 100 000 times in a large file. Most lines of a large
        # file stand in it many times: what a line means is looked up before it is worked out.
        lines = iter(enumerate(self.lines, 1))
        meanings: dict[str, _Meaning] = {}
        known_meaning = meanings.get
        known_name = self.plain_names.get
        careful = self.careful
        room = _MEANINGS
        new = Directive.__new__
        closings = _ClosingTags()
        fitting = self.fitting
        opened = self.open
        children = self.children
        closing = ""  # what closes the innermost open section
        for number, raw in lines:
            meaning = known_meaning(raw)
            if meaning is None:
                text = raw[: raw.index("#")] if "#" in raw else raw
                words = _split_careful(text) if careful else text.split()
                if len(words) > 2:
                    words = text.split(None, 1)
                    words[1] = words[1].rstrip(BLANKS)
                if len(words) == 2:
                    value = words[1]
                    # A new name goes the long way once, which tells whether it is a plain one.
                    name = known_name(words[0])
                    if name is None or value[-1] in ",>{}":
                        meaning = _opening(words[0], value) or self._plain(words[0], value)
                    else:
                        meaning = (_DIRECTIVE, name, value)
                elif not words:
                    meaning = _NOTHING
                elif words[0] == closing:
                    meaning = (_CLOSE, closing, "")
                if room and meaning is not None:
                    room -= 1
                    meanings[raw] = meaning
            if meaning is not None:
                kind, name, value = meaning
                if kind == _DIRECTIVE:
                    # As Directive(number, name, value), without the cost of a call.
                    node = new(Directive)
                    node.line = number
                    node.name = name
                    node.value = value
                    node.span = 1
                    children.append(node)
                    continue
                if kind == _BLANK:
                    continue
                if kind == _CLOSE:
                    if name == closing:
                        section = opened.pop()
                        section.end = number
                        section.closed = True
                        if opened:
                            section = opened[-1]
                            children, closing = section.children, closings[section.tag]
                        else:
                            children, closing = self.tree.children, ""
                        continue
                elif not opened or (name, opened[-1].tag) in fitting or self._fits(name, opened[-1].tag):
                    section = Section(number, name, value, None)
                    children.append(section)
                    opened.append(section)
                    children = section.children
                    closing = closings[name]
                    continue
            self.children = children
            for _ in range(self._second_look(number, raw) - number):
                next(lines)
            children = self.children
            closing = closings[opened[-1].tag] if opened else ""
        self._close_rest(len(self.lines))
        self.tree.diagnostics = tuple(self.found)
        return self.tree

    def _plain(self, name: str, value: str) -> _Meaning | None:
        """A name that was not seen before, or a value that may go on: what the line means if it is a plain one."""
        if name[0] in "</{}" or name in _RULE_KEYWORDS:
            return None
        if len(self.plain_names) < _MEANINGS:
            name = self.plain_names.setdefault(name, name)
        return None if value[-1] in ",>{}" else (_DIRECTIVE, name, value)

    def _fits(self, tag: str, parent: str) -> bool:
        if not catalogue().may_stand_in(tag, parent):
            return False
        self.fitting.add((tag, parent))
        return True

    def _second_look(self, number: int, raw: str) -> int:
        """Take a line that is not a plain one. Returns the number of the last line taken."""
        text = _without_comment(raw)
        if text[0] != "<":
            return self._odd(number, text)
        self._tag(text, number)
        return number

    # -- lines that need a second look ---------------------------------------------------------------------------

    def _odd(self, number: int, text: str) -> int:
        """A directive that may be more than a plain line. Returns the number of the last line taken."""
        if text in ("{", "}"):
            self._junk(number, text, "brace", "Braces", _BRACES)
            return number
        if text.endswith(">") and (cut := text.lower().rfind("<pattern-list>")) > 0 and cut + 14 == len(text):
            self._open_nested(number, text[:cut].rstrip(BLANKS))
            return number
        if text.endswith("-->"):
            self._junk(number, text, "xml-comment", "XML comment", _XML)
            return number
        words = _split_careful(text) if not text.startswith("/") else list(_split_rule(text))
        name, value = words[0], words[1] if len(words) == 2 else ""
        if value.endswith("{"):
            self._report("brace", "Braces", _BRACES, number)
        node = Directive(number, name, value)
        self.children.append(node)
        if value.endswith(",") or (not value and name.lower() == "domain-macro"):
            self._continue_list(node)
        elif name.startswith("/") or name in _RULE_KEYWORDS:
            self._continue_regex(node, text)
        return node.end

    def _continue_list(self, node: Directive) -> None:
        """Take the lines that go on with a comma-separated list."""
        while node.end < len(self.lines) and (not node.value or node.value.endswith(",")):
            text = _without_comment(self.lines[node.end])
            word = _WORD.match(text)
            if word is None or text[0] in "<{}/" or _is_keyword(word.group().rstrip(",")):
                break
            node.value = f"{node.value} {text}".strip()
            node.span += 1
        if node.span > 1:
            self._report(
                "line-continuation",
                "List over several lines",
                f"No continuation of lines is documented: PowerMTA may take lines {node.line + 1} to {node.end} for "
                f"unknown directives. Write the whole list of {node.name} on one line.",
                node.line,
            )

    def _continue_regex(self, node: Directive, text: str) -> None:
        """Take the lines that a regex is broken over, up to the one that closes it."""
        if _regex_closed(text):
            return
        joined, taken = text, 0
        for raw in self.lines[node.end : node.end + 20]:
            more = _without_comment(raw)
            word = _WORD.match(more)
            if word is None or more[0] in "</" or word.group() in _RULE_KEYWORDS:
                break
            joined, taken = f"{joined} {more}", taken + 1
            if _regex_closed(joined):
                node.span += taken
                words = _split_rule(joined) if joined.startswith("/") else tuple(joined.split(None, 1))
                node.name, node.value = words[0], words[1] if len(words) == 2 else ""
                break
        self._report(
            "broken-regex",
            "Regular expression not closed",
            "A pattern stands between two slashes on one line; PowerMTA documents no continuation, so this rule does "
            r"not match what was meant. Write it on one line; a `#` in a regex is written \x23, a slash \/.",
            node.line,
        )

    # -- tags ------------------------------------------------------------------------------------------------------

    def _tag(self, text: str, number: int) -> None:
        if text.startswith("<!--"):
            self._junk(number, text, "xml-comment", "XML comment", _XML)
            return
        first = _FIRST_TAG.match(text)
        if first is not None and first.end() < len(text):
            self._crowded(text, first, number)
            return
        if not text.endswith(">") or len(text) < 3:
            self._junk(
                number,
                text,
                "malformed-tag",
                "Malformed tag",
                "A tag is `<name argument>` or `</name>` on a line of its own, and ends with `>`.",
            )
            return
        if text[1] == "/":
            self._close(text[2:-1].split(), number, text)
            return
        words = _split_careful(text[1:-1]) if self.careful else text[1:-1].split(None, 1)
        if not words:
            self._junk(number, text, "malformed-tag", "A tag has no name", "Write `<name argument>`, or remove it.")
            return
        section = Section(number, words[0].lower(), words[1].rstrip(BLANKS) if len(words) == 2 else "")
        if self.open:
            self._make_room(section)
        self._enter(section)

    def _crowded(self, text: str, first: re.Match[str], number: int) -> None:
        """Take a tag with more on its line. Sections that it opens or closes for others are opened and closed."""
        tag, rest = first[2].lower(), text[first.end() :].strip(BLANKS)
        if (not first[1] and _ends_in(rest, tag)) or not (first[1] or catalogue().section(tag)):
            self._junk(number, text, "malformed-tag", CROWDED, _CROWDED)
            return
        self._tag(first[0], number)
        if rest.startswith("<") and rest.endswith(">") and not rest.startswith("<!--"):
            self._report("malformed-tag", CROWDED, _CROWDED, number)
            self._tag(rest, number)
        else:
            self._junk(number, rest, "malformed-tag", CROWDED, _CROWDED)

    def _open_nested(self, number: int, lead: str) -> None:
        words = lead.split(None, 1)
        self._enter(Section(number, "pattern-list", "", (words[0], words[1] if len(words) == 2 else "")))

    def _enter(self, section: Section) -> None:
        self.children.append(section)
        self.open.append(section)
        self.children = section.children

    def _leave(self, end: int, *, closed: bool) -> None:
        section = self.open.pop()
        section.end = end
        section.closed = closed
        self.children = self.open[-1].children if self.open else self.tree.children
        if not closed:
            self._report(
                "unclosed-section",
                "Section not closed",
                f"<{section.tag}> has no </{section.tag}>, so everything after it may be read as part of it. "
                f"Write </{section.tag}> where it ends.",
                section.line,
            )

    def _make_room(self, section: Section) -> None:
        """End sections that cannot contain the new one, where a closing tag was forgotten.

        One that has its closing tag further down is not ended: the new section is inside it, where it does not belong.
        """
        known = catalogue()
        while self.open and not known.may_stand_in(section.tag, self.open[-1].tag):
            if self.open[-1].line in self.closed_lines:
                return
            parents: list[str | None] = [s.tag for s in self.open[:-1]]
            top = None if self.tree.scope == "global" else self.tree.scope
            if not any(known.may_stand_in(section.tag, parent) for parent in [*parents, top]):
                return
            self._leave(section.line - 1, closed=False)

    @cached_property
    def closed_lines(self) -> frozenset[int]:
        """The lines of opening tags that have a closing tag, wherever the sections belong."""
        opened: list[tuple[str, int]] = []
        count: Counter[str] = Counter()
        closed: set[int] = set()
        for number, raw in enumerate(self.lines, 1):
            for closing, tag in _tags_of(_without_comment(raw)) if "<" in raw else ():
                if not closing:
                    opened.append((tag, number))
                    count[tag] += 1
                    continue
                while count[tag]:
                    name, line = opened.pop()
                    count[name] -= 1
                    if name == tag:
                        closed.add(line)
                        break
        return frozenset(closed)

    def _close(self, words: list[str], number: int, text: str) -> None:
        tag = words[0].lower() if words else ""
        if not any(section.tag == tag for section in self.open):
            self._junk(
                number,
                text,
                "stray-closing-tag",
                "Closing tag without section",
                f"No <{tag}> is open here. Remove the line, or write the opening tag that it belongs to.",
            )
            return
        while self.open[-1].tag != tag:
            self._leave(number - 1, closed=False)
        self._leave(number, closed=True)

    def _close_rest(self, total: int) -> None:
        while self.open:
            self._leave(max(total, self.open[-1].line), closed=False)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _junk(self, number: int, text: str, code: str, summary: str, detail: str) -> None:
        self.children.append(Junk(number, text, code))
        self._report(code, summary, detail, number)

    def _report(self, code: str, summary: str, detail: str, line: int) -> None:
        self.found.warning(code, summary, detail, self.tree.place(line))

    def _inspect_bytes(self, text: str) -> None:
        """Report bytes that a person would not see: at most one finding of each kind, at its first line."""
        if text.isascii() and not text.encode("ascii").translate(None, _PLAIN):
            return
        for code, summary, detail, pattern in _HIDDEN:
            if found := pattern.search(text):
                self._report(code, summary, detail, text.count("\n", 0, found.start()) + 1)


_NESTED: Final = re.compile(r"[^<].*\s<pattern-list>", re.IGNORECASE)
_BRACES: Final = (
    "PowerMTA has no blocks in braces. What was meant is a section, `<name argument>` to `</name>`, or one directive "
    "per line."
)
_XML: Final = (
    "PowerMTA takes no `<!-- -->` for a comment: a line that starts with < is read as a tag, and lines between the "
    "marks stay in force. Write `#` before each line of a comment."
)
CROWDED: Final = "A tag shares its line"
_CROWDED: Final = "There is one directive or one tag to a line. Put each on a line of its own."
_FIRST_TAG: Final = re.compile(r"<(/?)[ \t]*([A-Za-z][\w-]*)(?:\s[^<>]*)?>")
_HIDDEN: Final = (
    (
        "not-utf8",
        "File not in UTF-8",
        "PowerMTA reads its configuration as UTF-8. The bytes are kept as they are; save the file as UTF-8.",
        re.compile("[\udc80-\udcff]"),
    ),
    (
        "odd-blank",
        "Blank that separates nothing",
        "A no-break space or another Unicode blank separates nothing: the word before and after it are one word to "
        "PowerMTA. Put a plain blank there.",
        _ODD_SPACE,
    ),
    (
        "control-character",
        "Control character",
        "A NUL or another control character is not part of the language, and hides from editors. Remove it.",
        re.compile("[\0-\x08\x0e-\x1b\x7f]"),
    ),
    (
        "byte-order-mark",
        "Byte order mark",
        "The mark becomes part of the first word. Save the file as UTF-8 without a byte order mark.",
        re.compile("\\A\ufeff"),
    ),
)


def _tags_of(text: str) -> Iterator[tuple[bool, str]]:
    """The tags of a line that open or close sections, as the parser takes them: whether one closes, and its name."""
    if _NESTED.fullmatch(text):
        yield False, "pattern-list"
    while (found := _FIRST_TAG.match(text)) is not None:
        tag, rest = found[2].lower(), text[found.end() :].strip(BLANKS)
        if rest and not found[1] and (_ends_in(rest, tag) or catalogue().section(tag) is None):
            return
        yield bool(found[1]), tag
        text = rest if rest.endswith(">") else ""


def _ends_in(rest: str, tag: str) -> bool:
    """Whether a section ends on the line that it starts on."""
    return re.search(rf"</{re.escape(tag)}\s*>", rest, re.IGNORECASE) is not None


def _split_careful(text: str) -> list[str]:
    """The first word, and the rest if any, without outer blanks; only ASCII blanks are blanks."""
    text = text.strip(BLANKS)
    word = _WORD.match(text)
    if word is None:
        return []
    rest = text[word.end() :].lstrip(BLANKS)
    return [word.group(), rest] if rest else [word.group()]


_REGEX: Final = re.compile(r"/(?:[^/\\]|\\.)*/", re.DOTALL)


def _split_rule(text: str) -> tuple[str, str]:
    """The regex that `text` begins with, and the rest. A regex may hold blanks."""
    found = _REGEX.match(text)
    if found is None:
        words = text.split(None, 1)
        return words[0], words[1] if len(words) == 2 else ""
    return found.group(), text[found.end() :].strip(BLANKS)


def _regex_closed(text: str) -> bool:
    start = text.find("/")
    return start < 0 or _REGEX.match(text, start) is not None


def _without_comment(raw: str) -> str:
    cut = raw.find("#")
    return (raw if cut < 0 else raw[:cut]).strip(BLANKS)


def _is_keyword(word: str) -> bool:
    return word.lower() in catalogue().all_names
