"""Texts that people read use the project's plain English: a wording that has a clearer one does not come back.

A phrase of `ALLOWED` is right where it is: the name of a file on hosts, or the usual word of the field.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ = ("pmtaform", "emulator", "docs", "tests", "README.md", "SECURITY.md", "CONTRIBUTING.md")
SUFFIXES = {".py", ".md", ".sh"}
# A wording as a regular expression, and what to write instead.
WORDINGS = (
    (r"(?:nobody|somebody|whoever)", "no one, another run, the operator"),
    (r"(?:is|are|was|were|be|been) (?:told|said)", "is reported, is stated; or name the actor"),
    (r"told (?:as|to|by|in|of)", "reported as, set to"),
    (r"stands? (?:in|at|on|there|beside|before|under|where|for itself)", "is in, appears in, replaces"),
    (r"(?:be|was|were) had", "is available, is not available"),
    (r"(?:goes|go|went|gone|going) back", "rolls back"),
    (r"(?:puts?|taken|takes?|took|taking) back", "restores, reverts"),
    (r"(?:is|was|were|has|had|have|not|yet) begun|to begin", "started, to start"),
    (r"at the most", "at most"),
    (r"so many", "that many"),
    (r"of (?:its|their|his) own", "its own, separate"),
    (r"but for", "except"),
    (r"mend(?:s|ed|ing)?", "fix"),
    (r"let (?:it |them )?be", "leave unchanged"),
    (r"leave[sd]? (?:it |them )?away|left away", "omit"),
    (r"asks? for", "needs, requires, requests"),
    (r"whole or not at all", "atomically"),
    (r"moment to come", "future date"),
    (r"keeps? quiet", "is silent"),
    (r"puts? in(?:to)? force", "activates"),
    (r"heed(?:s|ed)?", "observes"),
    (r"in the clear", "in clear text"),
    (r"heir", "successor"),
    (r"(?:a word of|without a word)", "a note on, silently"),
    (r"says? (?:so|nothing|which|what|where|that|how|who)", "reports, states (only people say)"),
)
# Where a phrase may be (a pattern of paths), and the phrase.
ALLOWED = (
    ("*", r"asks? for (?:approval|consent)"),
    ("pmtaform/host/agent/*.sh", r"heirs?"),  # of a dead program's lock: `heir.KEY` is a file on hosts
    ("tests/*", r'"heir\.\*"'),
    ("tests/*", r'"nobody"'),  # a user of Linux, and the name of something that does not exist
    ("*", r"nobody@"),  # an address
    ("tests/test_wording.py", r".*"),
    ("tests/diagnostics/test_diagnostics_table.py", r'r".*"'),  # a list of wordings like the one above
)
_BETTER = tuple((re.compile(rf"\b(?:{wording})\b", re.IGNORECASE), better) for wording, better in WORDINGS)
# Without IGNORECASE, which makes it three times slower: it is for text in lower case.
_ANY = re.compile(rf"\b(?:{'|'.join(wording for wording, _ in WORDINGS)})\b")
_RIGHT = tuple((path, re.compile(phrase, re.IGNORECASE)) for path, phrase in ALLOWED)


def _files() -> Iterator[Path]:
    for name in READ:
        path = ROOT / name
        yield from sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES) if path.is_dir() else [path]


def _unclear(name: str, text: str) -> Iterator[str]:
    """A line for each unclear wording: its place, and what to write instead."""
    if not _ANY.search(text.lower()):
        return
    right = [phrase for path, phrase in _RIGHT if fnmatch(name, path)]
    for number, line in enumerate(text.splitlines(), 1):
        if not _ANY.search(line.lower()):
            continue
        for phrase in right:
            line = phrase.sub("", line)
        for wording, better in _BETTER:
            for match in wording.finditer(line):
                yield f'{name}:{number}: "{match[0]}": write: {better}'


def test_texts_use_the_clear_wordings() -> None:
    unclear = [
        line for path in _files() for line in _unclear(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    assert not unclear, "Unclear wordings:\n" + "\n".join(unclear)


def test_an_unclear_wording_is_reported_with_its_place_and_the_clear_one() -> None:
    assert list(_unclear("docs/x.md", "Fine.\nNobody is told.\n")) == [
        'docs/x.md:2: "Nobody": write: no one, another run, the operator',
        'docs/x.md:2: "is told": write: is reported, is stated; or name the actor',
    ]


def test_an_allowed_phrase_hides_no_other_one_on_its_line() -> None:
    assert list(_unclear("docs/x.md", "It asks for approval.")) == []
    assert len(list(_unclear("docs/x.md", "It asks for approval and asks for more."))) == 1
    assert len(list(_unclear("docs/x.md", "The heir of a lock."))) == 1


def test_a_public_class_name_has_one_meaning() -> None:
    names = Counter(
        name
        for path in (ROOT / "pmtaform").rglob("*.py")
        for name in re.findall(r"^class ([A-Z]\w*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert [name for name, count in names.items() if count > 1] == []
