"""Imports of servers that are folders, where every server is different, and what checks the stack that they make.

No network is in it. What it shows: the work grows with the lines and with nothing else, and memory hardly with the
number of servers. CPU time is compared, of whole processes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.data import INCLUDES, LARGE, MEDIUM, Size, included, own_configuration
from benchmarks.measure import PROGRAM, Command, Options, Row, Use, memory, ratio, seconds, uses

FEW, MANY = 5, 25
ROUNDS = 3
_NOTHING = "nothing"


def run(options: Options) -> list[Row]:
    """An import in both forms, of few and many servers, and of a large one; then `validate` and `lint`."""
    many = options.count(MANY)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        servers = [_server(project / f"mta{n}", n, MEDIUM) for n in range(1, many + 1)]
        large = _server(project / "large", 200, LARGE)
        commands = {_NOTHING: Command([*PROGRAM, "schema"], folder)}
        for shape in ("native", "yaml"):
            commands[f"{shape} few"] = _import(project, shape, servers[:FEW])
            commands[f"{shape} many"] = _import(project, shape, servers)
        commands["native large"] = _import(project, "native", [large])
        subprocess.run(_import_words("checked", "native", servers), cwd=folder, check=True, capture_output=True)
        commands |= {name: Command([*PROGRAM, name, "checked"], folder) for name in ("validate", "lint")}
        taken = uses(commands, options.rounds or ROUNDS)
    return [*_growth(taken, many, options), *_checks(taken, many, options)]


def _growth(taken: dict[str, list[Use]], many: int, options: Options) -> list[Row]:
    """What one server more costs, beside what each of few does; and what a line of a large one costs."""
    rows = []
    for shape in ("native", "yaml"):
        few, whole = (_each(taken, f"{shape} {name}", of) for name, of in (("few", FEW), ("many", many)))
        what = f"import --as {shape}, each of {many} folders : each of {FEW}"
        rows += [
            Row("imports", what, _shown(whole), _shown(few), ratio(whole, few), options.bound(1.3)),
            memory("imports", f"  its memory, {many} folders", taken[f"{shape} many"], None),
        ]
    few = [each / _lines(MEDIUM) for each in _each(taken, "native few", FEW)]
    large = [each / _lines(LARGE) for each in _each(taken, "native large", 1)]
    what = "import --as native, a line of 100,000 : a line of 5,000"
    shown = (f"{median(large) * 1e6:.1f} us", f"{median(few) * 1e6:.1f} us")
    rows.append(Row("imports", what, *shown, ratio(large, few), options.bound(1.4)))
    return rows


def _checks(taken: dict[str, list[Use]], many: int, options: Options) -> list[Row]:
    """`validate` and `lint` of the stack, beside its import; neither keeps the configurations of its hosts."""
    whole = _each(taken, "native many", many)
    rows = []
    for name in ("validate", "lint"):
        ours = _each(taken, name, many)
        what = f"{name} STACK, each of {many} hosts : its import"
        rows += [
            Row("imports", what, _shown(ours), _shown(whole), ratio(ours, whole), options.bound(1.3)),
            memory("imports", f"  its memory, {many} hosts", taken[name], options.bound(150)),
        ]
    return rows


def _each(taken: dict[str, list[Use]], name: str, of: int) -> list[float]:
    """Seconds of CPU for each of `of` servers, beyond the start of the program."""
    start = median(use.processor for use in taken[_NOTHING])
    return [(use.processor - start) / of for use in taken[name]]


def _shown(runs: Sequence[float]) -> str:
    return seconds(median(runs))


def _lines(size: Size) -> int:
    return own_configuration(1, size).count("\n")


def _server(root: Path, number: int, size: Size) -> Path:
    """A machine's root with a configuration of its own."""
    home = root / "etc" / "pmta"
    home.mkdir(parents=True)
    (home / "config").write_text(own_configuration(number, size))
    for name in INCLUDES:
        (home / name).write_text(included(number, name))
    return root


def _import_words(name: str, shape: str, servers: Sequence[Path]) -> list[str]:
    sources = [word for root in servers for word in ("--from", str(root))]
    return [*PROGRAM, "import", name, *sources, "--as", shape]


def _import(project: Path, shape: str, servers: Sequence[Path]) -> Command:
    made = project / "stacks" / "again"
    words = _import_words("again", shape, servers)
    return Command(words, str(project), before=lambda: shutil.rmtree(made, ignore_errors=True))
