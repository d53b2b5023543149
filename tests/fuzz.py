"""`make fuzz`: minutes of generated and mutated configurations against everything that reads one.

    python tests/fuzz.py [MINUTES]

Whatever the input, nothing may raise anything but a diagnostic. Hypothesis shrinks what breaks and keeps it under
`.hypothesis`, so that the next run begins with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.canonical import canonical
from pmtaform.lang.edit import edit
from pmtaform.lang.effective import Effective, changed_pairs
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.lint import Subject, apply_fixes, lint
from pmtaform.lang.parsing import parse, parse_bytes
from pmtaform.lang.tree import decode, encode
from pmtaform.plan.explain import explain
from pmtaform.report.masking import masked_line

MAIN = "/etc/pmta/config"
CORPUS = sorted(p for p in (Path(__file__).parent / "corpus").rglob("*") if p.is_file() and p.suffix != ".tsv")
LINES = sorted({line for path in CORPUS for line in decode(path.read_bytes()).split("\n")})
ODD = [
    "",
    "<",
    ">",
    "</domain>",
    "<domain",
    "<domain *>",
    "</",
    "#",
    "}",
    "a" * 300,
    "reply /(/ x",
    "$m",
    "\0",
    "\r",
    "/",
]

line = st.one_of(st.sampled_from(LINES), st.sampled_from(ODD), st.text(max_size=30))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A published configuration, or a part of one, with lines lost, repeated, moved and made up."""
    lines = decode(draw(st.sampled_from(CORPUS)).read_bytes()).split("\n")
    start = draw(st.integers(0, len(lines)))
    lines = lines[start : start + draw(st.integers(0, 80))]
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(lines)))
        what = draw(st.sampled_from(["add", "drop", "twice", "cut"]))
        if what == "add" or at >= len(lines):
            lines.insert(at, draw(line))
        elif what == "drop":
            del lines[at]
        elif what == "twice":
            lines.insert(at, lines[at])
        else:
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


TEXTS = st.one_of(mutated(), st.lists(line, max_size=40).map("\n".join), st.text(max_size=200))
MANY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def configuration(text: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: encode_any(text)})


def encode_any(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@MANY
@given(st.one_of(TEXTS.map(encode_any), st.binary(max_size=200)))
def reading_and_writing(content: bytes) -> None:
    assert parse_bytes(content).to_bytes() == content
    for each in decode(content).split("\n"):
        masked_line(each)


@MANY
@given(TEXTS, TEXTS)
def editing(before: str, after: str) -> None:
    live, goal = configuration(before), configuration(after)
    wanted = blocks_of(goal)
    edits = edit(live, wanted, [a for a in blocks_of(live) if a not in wanted])
    for item in edits.values():
        list(item.diff(masked_line))
        encode(item.text)


@MANY
@given(TEXTS, TEXTS)
def explaining(before: str, after: str) -> None:
    left, right = blocks_of(configuration(before)), blocks_of(configuration(after))
    for address, block in left.items():
        explain(block, right.get(address))


@MANY
@given(TEXTS, st.booleans())
def linting(text: str, whole: bool) -> None:
    subject = configuration(text)
    findings = lint(Subject(configuration=subject, whole=whole))
    assert all(isinstance(finding.place, Place) for finding in findings)
    apply_fixes(subject, findings)


@MANY
@given(TEXTS)
def laying_out(text: str) -> None:
    once = canonical(text).text
    assert canonical(once).text == once
    assert blocks_of(configuration(once)).keys() == blocks_of(configuration(text)).keys()


@MANY
@given(TEXTS, TEXTS)
def effects(before: str, after: str) -> None:
    was, now = Effective(configuration(before)), Effective(configuration(after))
    for vmta in was.virtual_mtas():
        was.settings("gmail.com", vmta)
    changed_pairs(was, now, most=50)
    parse(before)


CHECKS: tuple[Callable[[], None], ...] = (reading_and_writing, editing, explaining, linting, laying_out, effects)


def main(minutes: float) -> int:
    """Run every check again and again until the time is up. 1 when one of them failed."""
    end = time.monotonic() + minutes * 60
    rounds = 0
    while time.monotonic() < end or rounds == 0:
        for check in CHECKS:
            check()
        rounds += 1
        print(f"fuzz: round {rounds}: {len(CHECKS)} checks, 400 inputs each, nothing broke", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
