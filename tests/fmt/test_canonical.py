"""The one layout of native files: what it looks like, and the laws that it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.canonical import canonical
from pmtaform.lang.foreign import template_of
from pmtaform.lang.includes import read_configuration
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import comment_of, decode, encode, split_lines

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix != ".tsv")
CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/before.conf"))


def content(text: str):
    blocks = blocks_of(read_configuration("/c", {"/c": encode(text)}))
    return {address: block.content() for address, block in blocks.items()}


def comments(text: str) -> list[str]:
    return [comment for line in split_lines(text) if (comment := comment_of(line))]


def check_laws(text: str) -> str:
    outcome = canonical(text)
    assert outcome.problem is None
    assert canonical(outcome.text).text == outcome.text
    assert content(outcome.text) == content(text)
    assert comments(outcome.text) == comments(text)
    assert [d.code for d in parse(outcome.text).diagnostics] == [d.code for d in parse(text).diagnostics]
    return outcome.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases(case: Path):
    before = decode((case / "before.conf").read_bytes())
    assert check_laws(before) == decode((case / "after.conf").read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_the_corpus(path: Path):
    text = decode(path.read_bytes())
    outcome = check_laws(text)
    if template_of(text) is not None:
        assert outcome == text
        return
    assert outcome.endswith("\n") or not outcome
    eol = parse(text).eol
    odd = {d.place.line for d in parse(outcome).diagnostics if d.place}
    for number, line in enumerate(split_lines(outcome), start=1):
        if number not in odd:
            assert line.endswith(eol)
            body = line[: -len(eol)]
            assert body == body.rstrip()
    assert "\n\n\n" not in outcome.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("\n\n", ""),
        ("a 1", "a 1\n"),
        ("  a\t \t1  \n", "a 1\n"),
        ("a 1\r\nb  2\r\n", "a 1\r\nb 2\r\n"),
        ("a 1\r\nb 2\nc 3\r\n", "a 1\r\nb 2\r\nc 3\r\n"),
        ("a 1\r\nb 2\nc 3\n", "a 1\nb 2\nc 3\n"),
        ("a \"x   y\"\n", "a \"x   y\"\n"),
        ("reply /a  b/   mode=backoff\n", "reply /a  b/   mode=backoff\n"),
        ("<Domain   X >\n</Domain>\n", "<Domain X>\n</Domain>\n"),
        ("<domain x>\n\na 1\n\n\nb 2\n\n</domain>\n", "<domain x>\n    a 1\n\n    b 2\n</domain>\n"),
        ("a 1\n<domain x>\n</domain>\nb 2\n", "a 1\n\n<domain x>\n</domain>\n\nb 2\n"),
        ("a 1\n# of x\n<domain x>\n</domain>\n", "a 1\n\n# of x\n<domain x>\n</domain>\n"),
        ("a 1 # x\nbbb 2 # y\n", "a 1  # x\nbbb 2  # y\n"),
        ("a 1     # x\nbbb 2   # y\n", "a 1    # x\nbbb 2  # y\n"),
        ("a 1\t# x\nbbb 2\t# y\n", "a 1    # x\nbbb 2  # y\n"),
        ("a 1     # x\nc 3\nbbb 2   # y\n", "a 1    # x\nc 3\nbbb 2  # y\n"),
        ("a 1     # x\n        # more\nb 2\n", "a 1  # x\n     # more\nb 2\n"),
        ("<domain x>\n#c\n</domain>\n#d\n", "<domain x>\n    #c\n</domain>\n\n#d\n"),
        ("<domain x>\na 1\n", "<domain x>\n    a 1\n"),
        ("password   abc#def\n", "password abc#def\n"),
        ("password   abc#def # x\nb 1 # y\n", "password abc#def # x\nb 1  # y\n"),
        ("<domain   x>#c\n</domain>#d\n", "<domain x>#c\n</domain>#d\n"),
        ("a   #c\n", "a  #c\n"),
    ],
)  # fmt: skip
def test_layout(before, after):
    assert check_laws(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "  {\n",
        "   </domain>\n",
        "domain-macro a x,\n      y,   \n   z\n",
        "reply /not   \n   closed/ mode=backoff\n",
        "<!--   x -->\n",
        "  <domain\n",
        "a  1 {  \n",
    ],
)
def test_what_makes_no_sense_stays_byte_for_byte(text):
    assert check_laws(text) == text


LINES = st.sampled_from(
    ["a 1", "  bb\t2", "ccc 3 # x", "d 4      # y", "e 5\t# z", "        # more", "# c", "#d", "", "   ", "<domain x>",
     "</domain>", " < domain  y >", "<virtual-mta v>", "</virtual-mta>", "<smtp-pattern-list l>", "{",
     "reply /a  b/ x", "reply /open", "mail-from /x/ <pattern-list>", "</pattern-list>", "/x y/ z", "domain-macro m a,",
     "<domain x>  a 1", "</domain>  </virtual-mta>", "<a>1</a>", "<domain y>  <domain z>", "</domain> b", "a#b  c",
     "b,", "</smtp-pattern-list>", "}", "<!-- x -->", "<x", "<pattern-list p>"]
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\n", "\r\n", ""])


@settings(deadline=None)
@given(st.lists(st.tuples(LINES, ENDS), max_size=14))
def test_the_laws(lines):
    check_laws("".join(line + end for line, end in lines))


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="<>/# \t\n\r\x0b\x0c\x1c\x85\xa0a1{},-!", max_size=40))
def test_nothing_makes_it_fail(text):
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") if text.isascii() else text
    outcome = canonical(text)
    assert outcome.problem is None or outcome.text == text
    assert canonical(outcome.text).text == outcome.text
