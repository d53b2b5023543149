"""What libyaml's messages mean, in users' words."""

from __future__ import annotations

from typing import Final

_PROBLEMS: Final = (
    (
        "mapping values are not allowed",
        "A `: ` stands where none can. Usually a value that itself holds `: ` needs quotes, or the line is indented "
        "differently from its neighbours.",
    ),
    ("did not find expected key", "A key was expected here. Usually the indentation differs from the lines above."),
    (
        "could not find expected ':'",
        "A key was begun and has no `:` after it. Usually a value goes on over several lines without quotes, or a "
        "blank after the colon is missing.",
    ),
    ("did not find expected '-'", "A list goes on here without `- `. Usually the indentation differs."),
    ("expected ',' or ']'", "A list in [ ] lacks a comma or its closing ]. A value with [ ] is quoted."),
    (
        "expected ',' or '}'",
        "A mapping in { } lacks a comma or its closing }. A value with { } is quoted.",
    ),
    ("unexpected end of stream", "The file ends inside a quoted text: a closing quote is missing."),
    ("unexpected document indicator", "`---` or `...` stands inside a quoted text: a closing quote is missing."),
    (
        "unknown escape character",
        "In \"double quotes\" a backslash begins an escape. Regular expressions go in 'single' quotes.",
    ),
    ("alphabetic or numeric character", 'A star begins a YAML alias. The name `*` must be quoted: "*".'),
    ("block sequence entries are not allowed", "`- ` cannot stand here: a list begins on a line of its own."),
    (
        "did not find expected comment or line break",
        "Something stands after `|`: the text begins on the next line.",
    ),
    (
        "did not find expected <document start>",
        "Something stands here that does not belong to the mapping.",
    ),
    ("did not find the expected", "YAML cannot make sense of this place."),
)


def explain(problem: str, context: str, line: str) -> str:
    """What to do about a problem that libyaml names, `line` being the text of the line that it points to."""
    if "cannot start any token" in problem:
        if "\t" in line:
            return "A tab stands where YAML wants blanks. Indent with blanks only."
        return "A value cannot begin with this character (`@`, `%`, a backquote). Quote the whole value."
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "A tab stands where YAML wants blanks. Indent with blanks only."
    for words, meaning in _PROBLEMS:
        if words in problem or words in context:
            return meaning
    said = " ".join(part for part in (context, problem) if part)
    return f"The YAML parser says: {said}."
