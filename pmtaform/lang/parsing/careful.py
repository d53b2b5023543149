"""Lines that are not plain: tags in odd places, continued lists, broken regexes, and other languages."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.diagnostics.codes.language import (
    BRACE,
    BROKEN_REGEX,
    LINE_CONTINUATION,
    MALFORMED_TAG,
    TAG_ON_DIRECTIVE_LINE,
    XML_COMMENT,
)
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.parsing.builder import FIRST_TAG, TreeBuilder, ends_in
from pmtaform.lang.parsing.words import (
    RULE_KEYWORDS,
    WORD,
    is_keyword,
    regex_closed,
    split_careful,
    split_rule,
    without_comment,
)
from pmtaform.lang.tree import BLANKS, Directive, Section

_BRACES: Final = (
    "PowerMTA has no blocks in braces. Write a section, `<name argument>` to `</name>`, or one directive per line."
)
_XML: Final = (
    "PowerMTA has no `<!-- -->` comments: a line that starts with < is read as a tag, and lines between the "
    "marks stay in force. Write `#` before each line of a comment."
)
_CROWDED: Final = "A line has one directive or one tag. Write each on its own line."


class CarefulReader:
    """Takes lines that need a second look into the tree. `careful`: some characters only look like blanks."""

    def __init__(self, build: TreeBuilder, *, careful: bool) -> None:
        self._build = build
        self._careful = careful

    def take(self, number: int) -> int:
        """Take a line, and the lines that continue it. Returns the number of the last line taken."""
        text = without_comment(self._build.lines[number - 1])
        if text[0] != "<":
            return self._odd(number, text)
        self._tag(text, number)
        return number

    def _odd(self, number: int, text: str) -> int:
        """A directive that may be more than a plain line. Returns the number of the last line taken."""
        build = self._build
        if text in ("{", "}"):
            build.junk(number, text, BRACE, _BRACES)
            return number
        if text.endswith(">") and (cut := text.lower().rfind("<pattern-list>")) > 0 and cut + 14 == len(text):
            self._open_nested(number, text[:cut].rstrip(BLANKS))
            return number
        if text.endswith("-->"):
            build.junk(number, text, XML_COMMENT, _XML)
            return number
        words = split_careful(text) if not text.startswith("/") else list(split_rule(text))
        name, value = words[0], words[1] if len(words) == 2 else ""
        if value.endswith("{"):
            build.report(BRACE, _BRACES, number)
        node = Directive(number, name, value)
        build.children.append(node)
        if value.endswith(",") or (not value and name.lower() == "domain-macro"):
            self._continue_list(node)
        elif name.startswith("/") or name in RULE_KEYWORDS:
            self._continue_regex(node, text)
        return node.end

    def _continue_list(self, node: Directive) -> None:
        """Take the lines that go on with a comma-separated list."""
        build = self._build
        while node.end < len(build.lines) and (not node.value or node.value.endswith(",")):
            text = without_comment(build.lines[node.end])
            word = WORD.match(text)
            if word is None or text[0] in "<{}/" or is_keyword(word.group().rstrip(",")):
                break
            node.value = f"{node.value} {text}".strip()
            node.span += 1
        if node.span > 1:
            build.report(
                LINE_CONTINUATION,
                f"No continuation of lines is documented: PowerMTA may read lines {node.line + 1} to {node.end} as "
                f"unknown directives. Write the whole list of {node.name} on one line.",
                node.line,
            )

    def _continue_regex(self, node: Directive, text: str) -> None:
        """Take the lines that a regex is broken over, up to the one that closes it."""
        build = self._build
        if regex_closed(text):
            return
        joined, taken = text, 0
        for raw in build.lines[node.end : node.end + 20]:
            more = without_comment(raw)
            word = WORD.match(more)
            if word is None or more[0] in "</" or word.group() in RULE_KEYWORDS:
                break
            joined, taken = f"{joined} {more}", taken + 1
            if regex_closed(joined):
                node.span += taken
                words = split_rule(joined) if joined.startswith("/") else tuple(joined.split(None, 1))
                node.name, node.value = words[0], words[1] if len(words) == 2 else ""
                break
        build.report(
            BROKEN_REGEX,
            "A pattern is between two slashes on one line; PowerMTA documents no continuation, so this rule "
            "does not match the intended "
            r"text. Write it on one line; a `#` in a regex is written \x23, a slash \/.",
            node.line,
        )

    def _tag(self, text: str, number: int) -> None:
        build = self._build
        if text.startswith("<!--"):
            build.junk(number, text, XML_COMMENT, _XML)
            return
        first = FIRST_TAG.match(text)
        if first is not None and first.end() < len(text):
            self._crowded(text, first, number)
            return
        if not text.endswith(">") or len(text) < 3:
            build.junk(
                number,
                text,
                MALFORMED_TAG,
                "A tag is `<name argument>` or `</name>` on its own line, and ends with `>`.",
            )
            return
        if text[1] == "/":
            build.close(text[2:-1].split(), number, text)
            return
        words = split_careful(text[1:-1]) if self._careful else text[1:-1].split(None, 1)
        if not words:
            build.junk(number, text, MALFORMED_TAG, "Write `<name argument>`, or remove it.")
            return
        section = Section(number, words[0].lower(), words[1].rstrip(BLANKS) if len(words) == 2 else "")
        if build.open:
            build.make_room(section)
        build.enter(section)

    def _crowded(self, text: str, first: re.Match[str], number: int) -> None:
        """Take a tag with more on its line. Sections that it opens or closes for others are opened and closed."""
        build = self._build
        tag, rest = first[2].lower(), text[first.end() :].strip(BLANKS)
        if (not first[1] and ends_in(rest, tag)) or not (first[1] or catalogue().section(tag)):
            build.junk(number, text, TAG_ON_DIRECTIVE_LINE, _CROWDED)
            return
        self._tag(first[0], number)
        if rest.startswith("<") and rest.endswith(">") and not rest.startswith("<!--"):
            build.report(TAG_ON_DIRECTIVE_LINE, _CROWDED, number)
            self._tag(rest, number)
        else:
            build.junk(number, rest, TAG_ON_DIRECTIVE_LINE, _CROWDED)

    def _open_nested(self, number: int, lead: str) -> None:
        build = self._build
        words = lead.split(None, 1)
        build.enter(Section(number, "pattern-list", "", (words[0], words[1] if len(words) == 2 else "")))
