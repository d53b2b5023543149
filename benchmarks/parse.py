"""A configuration of 100 000 lines: into the tree, and all the way to a text diff."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256

from benchmarks.data import changed, configuration, unlike
from benchmarks.measure import Options, Row, alternate, compare, peak_memory, resident, seconds
from pmtaform.lang.parsing import gc_paused, parse
from pmtaform.lang.tree import Section, Tree

LINES = 100_000
ROUNDS = 15
MAX_SECONDS = 1.0
MAX_BYTES = 300_000_000
MAX_LINE = 350  # bytes of memory


def run(_: Options) -> list[Row]:
    """Parsing to a loop that splits lines; the whole way to its limits."""
    return [
        _parse("generated", configuration(LINES), parse, 4.0),
        _parse("no two settings alike", unlike(configuration(LINES)), parse, 5.0),
        _parse("generated, every section read", configuration(LINES), _read_whole, 6.5),
        _parse("no two settings alike, every section read", unlike(configuration(LINES)), _read_whole, 8.0),
        *_whole_way(),
    ]


def _read_whole(text: str) -> Tree:
    """The tree, with the children of its sections, which are made when they are used."""
    tree = parse(text)
    with gc_paused():
        for node in tree.children:
            if isinstance(node, Section):
                assert node.children is not None
    return tree


def _parse(kind: str, text: str, read: Callable[[str], Tree], bound: float | None) -> Row:
    def split() -> None:
        for line in text.splitlines():
            line.split()

    def ours() -> Tree:
        return read(text)

    timings = alternate({"ours": ours, "split": split}, ROUNDS)
    what = f"{LINES} lines ({kind}) into the tree : for line in text.splitlines(): line.split()"
    return compare("parse", what, timings["ours"], timings["split"], bound)


def _whole_way() -> list[Row]:
    """In processes of their own, so that no other memory counts."""
    runs = [_child("edit") for _ in range(3)]
    took, used = sorted(r[0] for r in runs)[1], sorted(r[1] for r in runs)[1]
    line = sorted(_child("memory")[0] for _ in range(3))[1]
    what = f"{LINES} lines, one value changed: parse both, blocks, difference, edit, text diff"
    return [
        Row("edit", what + ", time", seconds(took), seconds(MAX_SECONDS), took / MAX_SECONDS, 1.0),
        Row("edit", what + ", peak memory", _mb(used), _mb(MAX_BYTES), used / MAX_BYTES, 1.0),
        Row("memory", "the tree, memory per line", f"{line:.0f} B", f"{MAX_LINE} B", line / MAX_LINE, 1.0),
    ]


def _mb(value: float) -> str:
    return f"{value / 1e6:.0f} MB"


def _child(what: str) -> list[float]:
    process = subprocess.run([sys.executable, "-m", __name__, what], capture_output=True, text=True, check=True)
    return [float(word) for word in process.stdout.split()]


def _edit() -> tuple[float, float]:
    from pmtaform.lang.blocks import blocks_of
    from pmtaform.lang.includes import single
    from pmtaform.model.desired import Desired
    from pmtaform.plan.diff import difference
    from pmtaform.plan.inputs import Live, Previous

    live_text = configuration(LINES)
    wanted_text = changed(live_text)
    started = time.perf_counter()
    path = "/etc/pmta/config"
    wanted = blocks_of(single(parse(wanted_text, path)))
    live = single(parse(live_text, path))
    result = difference(Desired(host="mta1", blocks=wanted), Live(live), Previous(), _plain)
    text = [line for edit in result.edits.values() for line in edit.diff()]
    took = time.perf_counter() - started
    changes = [line for line in text if line[:1] in "+-"]
    if len(changes) != 4 or len(result.plan.changes) != 1:
        raise RuntimeError(f"{len(result.plan.changes)} changes, not 1: {changes[:10]}")
    return took, peak_memory()


def _plain(content: bytes) -> str:
    return sha256(content).hexdigest()


def _memory() -> tuple[float]:
    text = configuration(LINES)
    parse(text[:5000])  # what is loaded once
    before = resident()
    tree = _read_whole(text)
    return ((resident() - before) / len(tree.lines),)


if __name__ == "__main__":
    print(*{"edit": _edit, "memory": _memory}[sys.argv[1]]())
