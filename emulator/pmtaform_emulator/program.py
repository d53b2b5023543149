"""The programs themselves: `pmta`, `pmtad` and the init scripts, as functions of their arguments."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

from pmtaform_emulator import queries
from pmtaform_emulator.commands import Call, CommandLineError, parse
from pmtaform_emulator.daemon import NOT_RUNNING, Daemon, Refused
from pmtaform_emulator.faults import Fault, take
from pmtaform_emulator.layout import Layout, release
from pmtaform_emulator.output import FORMS, Reply

RELOADED: Final = "Configuration reloaded."
CLOSED: Final = "Permission denied: pmta needs root or membership of group pmta"
VALID: Final = ""  # PowerMTA's output is not documented; no caller can misread empty output


def main(argv: Sequence[str], root: Path, stdout: TextIO | None = None, stderr: TextIO | None = None) -> int:
    """Run `pmta` with these arguments on the host under `root`. Returns the exit code."""
    layout = Layout(Path(root))
    daemon = Daemon(layout)
    form, words, code = "", list(argv), 0
    try:
        while words and words[0].startswith("--"):
            form = _form(words.pop(0), layout.version())
        call = parse(words, layout.version())
    except CommandLineError as error:
        code = _print(Reply(str(error), ok=False), form, stdout, stderr)
        daemon.store.log({"program": "pmta", "command": None, "arguments": list(argv), "exit": code})
        return code
    reply = _reply(daemon, call)
    code = _print(reply, form, stdout, stderr)
    done = {"program": "pmta", "command": call.command.name, "arguments": list(argv), "exit": code}
    daemon.store.log({**done, "message": reply.message})
    return code


def service(
    program: str, argv: Sequence[str], root: Path, stdout: TextIO | None = None, stderr: TextIO | None = None
) -> int:
    """Run `pmtad`, or an init script (`pmta`, `pmtahttp`), on the host under `root`. Returns the exit code."""
    daemon = Daemon(Layout(Path(root)))
    if program == "pmtad":
        unknown = [word for word in argv if word != "--debug"]
        act = f"unknown option {unknown[0]}" if unknown else "start"
    else:
        act = argv[0] if len(argv) == 1 else ""
    if program == "pmtahttp":
        reply = _guarded(daemon, f"pmtahttp {act}", lambda: _web_monitor(daemon, act))
    elif act == "reload":
        return main(["reload"], root, stdout, stderr)
    elif act in ("start", "stop", "restart"):
        reply = _service_act(daemon, act)
    elif act == "status":
        running = daemon.state().running
        reply = Reply("pmta is running" if running else "pmta is stopped", exit_code=0 if running else 3)
    elif program == "pmtad":
        reply = Reply(f"pmtad: {act}", ok=False)
    else:
        reply = Reply(f"Usage: {program} {{start|stop|restart|reload|status}}", ok=False, exit_code=2)
    code = _print(reply, "", stdout, stderr)
    daemon.store.log(
        {"program": program, "command": act, "arguments": list(argv), "exit": code, "message": reply.message}
    )
    return code


def _form(option: str, version: str) -> str:
    form = option[2:]
    if form not in FORMS or (form == "json" and release(version) < (5, 0)):
        raise CommandLineError(f"Unknown option: {option}")
    return form


def _print(reply: Reply, form: str, stdout: TextIO | None, stderr: TextIO | None) -> int:
    """Print a reply: a startup error to standard error, anything else to standard output."""
    out = stdout or sys.stdout
    if not form and not reply.ok and "Startup error" in reply.message:
        out = stderr or sys.stderr
    out.write(reply.render(form))
    out.flush()
    return reply.code


def _service_act(daemon: Daemon, act: str) -> Reply:
    def done() -> Reply:
        if act == "start":
            return Reply("Starting PowerMTA: done" if daemon.start() else "PowerMTA is already running")
        if act == "stop":
            return Reply("Stopping PowerMTA: done" if daemon.stop() else "PowerMTA is not running")
        daemon.restart()
        return Reply("Restarting PowerMTA: done")

    return _guarded(daemon, act, done)


def _web_monitor(daemon: Daemon, act: str) -> Reply:
    if act not in ("start", "restart", "stop"):
        return Reply("Usage: pmtahttp {start|stop|restart}", ok=False, exit_code=2)
    if act != "stop":
        daemon.restart_web_monitor()
    return Reply(f"pmtahttp {act}: done")


def _reply(daemon: Daemon, call: Call) -> Reply:
    return _guarded(daemon, call.command.name, lambda: _perform(daemon, call))


def _perform(daemon: Daemon, call: Call) -> Reply:
    name = call.command.name
    if name == "reload":
        daemon.reload()
        return Reply(RELOADED)
    if name == "test config":
        daemon.test()
        return Reply(VALID)
    return queries.answer(daemon, call)


def _guarded(daemon: Daemon, command: str, act: Callable[[], Reply]) -> Reply:
    """Do something unless a fault prevents it; a failure becomes a reply."""
    if daemon.layout.is_closed_to_us():
        return Reply(CLOSED, ok=False)
    try:
        fault = take(daemon.store, command)
        if fault is None:
            return act()
        return _spoiled(daemon, fault, command, act)
    except Refused as error:
        return Reply(str(error), ok=False)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return Reply(f"{where}{error.strerror or error}", ok=False)


def _spoiled(daemon: Daemon, fault: Fault, command: str, act: Callable[[], Reply]) -> Reply:
    message = fault.message or f"{command} failed (a fault of the emulator)"
    spoiled = Reply(message, ok=False, exit_code=fault.exit_code)
    if fault.kind == "refuse":
        spoiled.message = fault.message or NOT_RUNNING
    elif fault.kind == "hang":
        time.sleep(fault.seconds)
    elif fault.kind == "crash":
        daemon.stop()
        spoiled.message = fault.message or "PowerMTA closed the connection"
    elif fault.kind == "garbage":
        noise = fault.message or "\x1b[2J\x00\x07<<<{\ufffd " + os.urandom(16).hex()
        return Reply(noise, {"garbage": noise}, exit_code=fault.exit_code)
    elif fault.kind == "ignore":
        texts = {"reload": RELOADED, "test config": VALID}
        return Reply(fault.message or texts.get(command, "done"), exit_code=fault.exit_code)
    elif fault.kind == "reworded":
        act()
        return Reply(fault.message or "", exit_code=fault.exit_code)
    elif fault.kind == "other-settings":
        return _other_settings(act(), fault)
    elif fault.kind == "slow":
        done = act()
        daemon.slow_down(int(fault.seconds))
        return done
    elif fault.kind == "fail-after":
        act()
    return spoiled


def _other_settings(true: Reply, fault: Fault) -> Reply:
    """A reply to `show settings` in which no value is the one in force."""
    if not true.ok:
        return true
    other = fault.message or "emulated-other-value"
    settings = dict.fromkeys(true.data["settings"], other)
    text = "\n".join(f"{name} {other}" for name in settings)
    return Reply("", {"settings": settings}, text, exit_code=fault.exit_code)
