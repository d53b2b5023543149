"""Explain libyaml's messages."""

from __future__ import annotations

from typing import Final

_PROBLEMS: Final = (
    (
        "mapping values are not allowed",
        "A `: ` is where none can be. Usually a value that itself holds `: ` needs quotes, or the line is indented "
        "differently from its neighbours.",
    ),
    ("did not find expected key", "A key was expected here. Usually the indentation differs from the lines above."),
    (
        "could not find expected ':'",
        "A key has no `:` after it. Usually a value goes on over several lines without quotes, or a "
        "blank after the colon is missing.",
    ),
    ("did not find expected '-'", "A list goes on here without `- `. Usually the indentation differs."),
    ("expected ',' or ']'", "A list in [ ] lacks a comma or its closing ]. A value with [ ] is quoted."),
    (
        "expected ',' or '}'",
        "A mapping in { } lacks a comma or its closing }. A value with { } is quoted.",
    ),
    ("unexpected end of stream", "The file ends inside a quoted text: a closing quote is missing."),
    ("unexpected document indicator", "`---` or `...` is inside a quoted text: a closing quote is missing."),
    (
        "unknown escape character",
        "In \"double quotes\" a backslash starts an escape. Regular expressions go in 'single' quotes.",
    ),
    ("alphabetic or numeric character", 'A star starts a YAML alias. The name `*` must be quoted: "*".'),
    ("block sequence entries are not allowed", "`- ` cannot be here: a list starts on its own line."),
    (
        "did not find expected comment or line break",
        "There is text after `|`: a text block starts on the next line.",
    ),
    (
        "did not find expected <document start>",
        "This text does not belong to the mapping.",
    ),
    ("did not find the expected", "YAML cannot make sense of this place."),
)


def explain(problem: str, context: str, line: str) -> str:
    """What to do about a problem that libyaml names, `line` being the text of the line that it points to."""
    if "cannot start any token" in problem:
        if "\t" in line:
            return "A tab is where YAML requires blanks. Indent with blanks only."
        return "A value cannot start with this character (`@`, `%`, a backquote). Quote the whole value."
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "A tab is where YAML requires blanks. Indent with blanks only."
    for words, meaning in _PROBLEMS:
        if words in problem or words in context:
            return meaning
    message = " ".join(part for part in (context, problem) if part)
    return f"The YAML parser reports: {message}."
