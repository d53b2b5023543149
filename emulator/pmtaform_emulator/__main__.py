"""`python -m pmtaform_emulator`: install the emulator, give it a fault, or run one of its programs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_USAGE = """\
A stand-in for PowerMTA, for the demo, tests and pipelines without a licence; not PowerMTA.

python -m pmtaform_emulator install ROOT [--version V] [--listen]
python -m pmtaform_emulator start|stop|restart ROOT
python -m pmtaform_emulator fault ROOT COMMAND KIND [--times N|always] [--message TEXT] [--exit-code N] [--seconds S]
python -m pmtaform_emulator clear ROOT
python -m pmtaform_emulator --root ROOT [--as pmta|pmtad|init.d/pmta|init.d/pmtahttp] ARGUMENTS
"""


def run(argv: Sequence[str]) -> None:
    """Run the program that the arguments name, and exit."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        code = _dispatch(list(argv))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _dispatch(words: list[str]) -> int:
    if len(words) >= 2 and words[0] == "--root":
        root, words = Path(words[1]), words[2:]
        program = "pmta"
        if len(words) >= 2 and words[0] == "--as":
            program, words = words[1], words[2:]
        from pmtaform_emulator.program import main, service

        if program == "pmta":
            return main(words, root)
        return service(program.removeprefix("init.d/"), words, root)
    try:
        return _manage(words)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _manage(words: list[str]) -> int:
    from pmtaform_emulator import clear_faults, fault, install
    from pmtaform_emulator.program import service

    options = _options(words)
    if any(word.startswith("-") for word in words):
        words = ["--help"] if "--help" in words or "-h" in words else ["?"]
    match words:
        case ["install", root]:
            install(Path(root), **options)  # type: ignore[arg-type]
        case ["start" | "stop" | "restart" as act, root]:
            return service("pmta", [act], Path(root))
        case ["fault", root, command, kind]:
            fault(Path(root), command, kind, **options)  # type: ignore[arg-type]
        case ["clear", root]:
            clear_faults(Path(root))
        case _:
            print(_USAGE, end="", file=sys.stdout if words in ([], ["--help"]) else sys.stderr)
            return 0 if words in ([], ["--help"]) else 1
    return 0


def _options(words: list[str]) -> dict[str, object]:
    """The `--name value` pairs, which are removed from `words`."""
    options: dict[str, object] = {}
    if "--listen" in words:
        words.remove("--listen")
        options["listen"] = True
    for name, read in _OPTIONS.items():
        if name in words:
            at = words.index(name)
            if at + 1 >= len(words):
                raise ValueError(f"{name} needs a value")
            options[name[2:].replace("-", "_")] = read(words[at + 1])
            del words[at : at + 2]
    return options


def _times(text: str) -> int | None:
    return None if text == "always" else int(text)


_OPTIONS: dict[str, Callable[[str], object]] = {
    "--version": str,
    "--times": _times,
    "--message": str,
    "--exit-code": int,
    "--seconds": float,
}

if __name__ == "__main__":
    run(sys.argv[1:])
