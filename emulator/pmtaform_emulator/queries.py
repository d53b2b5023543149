"""The replies to `pmta show …`, and the commands that only change queues."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pmtaform_emulator.daemon import NOT_RUNNING, Daemon, Refused
from pmtaform_emulator.figures import known_figures
from pmtaform_emulator.layout import LICENSE, Layout
from pmtaform_emulator.output import Reply

if TYPE_CHECKING:
    from pmtaform_emulator.commands import Call
    from pmtaform_emulator.loading import Loaded, LoadedSection
    from pmtaform_emulator.store import State

BUILT: Final = "2020-11-05"
PRODUCT: Final = "pmtaform emulator, not PowerMTA"


def answer(daemon: Daemon, call: Call) -> Reply:
    """Answer one query. Raises `Refused` when the daemon is down or does not know the object."""
    name = call.command.name
    if name == "show version":
        return _version(daemon)
    if name == "show license":
        return _license(daemon)
    state = daemon.state()
    if not state.running and name != "emulator inforce":
        raise Refused(NOT_RUNNING)
    if name in _PLAIN:
        return Reply(_PLAIN[name])
    if name not in _QUERIES:
        raise Refused(f"{name}: the pmtaform emulator does not do this")
    return _QUERIES[name](daemon, state, call)


def _version(daemon: Daemon) -> Reply:
    version = daemon.layout.version()
    text = f"PowerMTA v{version} ({BUILT}, 64-bit; {PRODUCT})."
    product = {"name": "PowerMTA", "version": version, "date": BUILT, "bits": 64, "emulator": PRODUCT}
    return Reply(text, {"mta": {"product": product, "fullHostName": os.uname().nodename}}, text)


def _license(daemon: Daemon) -> Reply:
    try:
        text = daemon.layout.real(LICENSE).read_text(encoding="ascii", errors="replace")
    except OSError:
        text = "product: pmtaform emulator (needs no licence)\nserial: none\n"
    rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return Reply("", {"license": {key.strip(): value.strip() for key, value in rows.items()}}, text)


def _status(daemon: Daemon, state: State, _: Call) -> Reply:
    idle = {"cur": 0, "max": 0, "top": 0}
    status: dict[str, Any] = {
        "status": "starting" if daemon.is_starting() else "running",
        "shuttingDown": False,
        "startedAt": state.started_at,
        "conn": {"smtpIn": {**idle}, "smtpOut": {**idle}},
        "queue": {"smtp": {"rcp": 0, "dom": 0, "kb": 0.0}},
        "spool": {"initPct": 100, "totalRcp": 0, "maxRcp": 0},
    }
    _merge(status, known_figures(daemon.store)[0])
    mta = _version(daemon).data["mta"]
    pending = [row["name"] for row in state.pending()]
    emulator = {
        "is": PRODUCT,
        "generation": state.generation,
        "starts": state.starts,
        "reloads": state.reloads,
        "restartPending": pending,
    }
    data = {"mta": {**mta, "lak": {"serial": "none"}}, "status": status, "emulator": emulator}
    text = [f"PowerMTA v{daemon.layout.version()} ({PRODUCT})", f"status {status['status']}"]
    text += [f"started {state.started_at}"]
    for way in ("smtpIn", "smtpOut"):
        text.append(f"{way} " + " ".join(f"{k}={v}" for k, v in status["conn"][way].items()))
    text.append("queue " + " ".join(f"{k}={v}" for k, v in status["queue"]["smtp"].items()))
    text.append("spool " + " ".join(f"{k}={v}" for k, v in status["spool"].items()))
    if pending:
        text.append("restart pending " + " ".join(pending))
    return Reply("", data, "\n".join(text))


def _settings(daemon: Daemon, state: State, call: Call) -> Reply:
    from pmtaform_emulator import settings

    in_force = settings.effective(_loaded(daemon, state))
    if call.command.name == "show vmta-settings":
        domain, vmta = "", call.arguments[0]
    else:
        domain, _, vmta = call.arguments[0].partition("/")
    if not in_force.knows(vmta or settings.DEFAULT_VMTA):
        raise Refused(f"Unknown virtual MTA: {vmta}")
    if domain:
        values = settings.domain_settings(in_force, domain, vmta or settings.DEFAULT_VMTA)
    else:
        values = settings.vmta_settings(in_force, vmta)
    text = "\n".join(f"{name} {value}" for name, several in values.items() for value in several)
    plain = {n: "" if v == ['""'] else v[0] if len(v) == 1 else v for n, v in values.items()}
    return Reply("", {"settings": plain}, text)


def _vmtas(daemon: Daemon, state: State, call: Call) -> Reply:
    top = _top(daemon, state)
    names = list(dict.fromkeys(group.argument for group in top.groups("virtual-mta")))
    most = _most(call, len(names))
    rows = [{"name": name, "dom": 0, "rcp": 0, "pct": 0.0, "kb": 0.0, "conn": 0} for name in names[:most]]
    lines = [f"{'name':<32}{'domains':>8}{'#rcpt':>10}{'% total':>9}{'kbytes':>12}{'conn':>6}"]
    lines += [f"{row['name']:<32}{0:>8}{0:>10}{0.0:>9.1f}{0.0:>12.1f}{0:>6}" for row in rows]
    lines.append(f"{len(rows)} of {len(names)} virtual MTA(s) shown.")
    return Reply("", {"vmta": rows, "total": len(names)}, "\n".join(lines))


def _queues(daemon: Daemon, state: State, call: Call) -> Reply:
    wanted = call.arguments[0] if call.arguments else "*/*"
    rows: dict[str, dict[str, Any]] = {}
    known = known_figures(daemon.store)[1]
    for name in [*known, *state.queues]:
        if _matches(wanted, name):
            blank = {"name": name, "rcp": 0, "kb": 0.0, "conn": 0, "paused": False, "mode": "normal", "event": []}
            rows[name] = {**blank, **known.get(name, {}), **state.queues.get(name, {})}
    shown = [row for row in rows.values() if call.options.get("mode") in (None, row["mode"])]
    if "paused" in call.options:
        shown = [row for row in shown if row["paused"]]
    shown = shown[: _most(call, 20)]
    if call.options.get("errors"):  # --errors=N: the last N of each queue
        shown = [{**row, "event": _last(row["event"], _number(call, "errors"))} for row in shown]
    lines = []
    for row in shown:
        lines.append(f"{row['name']:<40}{row['rcp']:>10}{row['kb']:>12.1f}{row['conn']:>6} {row['mode']}")
        if "errors" in call.options:
            lines += [f"  {event.get('time', '')} {event.get('text', '')}" for event in row["event"]]
    return Reply("", {"queue": shown, "total": len(rows)}, "\n".join([*lines, f"{len(rows)} queue(s)."]))


def _domains(daemon: Daemon, state: State, call: Call) -> Reply:
    names = {name.partition("/")[0] for name in known_figures(daemon.store)[1]}
    names |= {name.partition("/")[0] for name in state.queues}
    wanted = call.arguments[0] if call.arguments else "*"
    rows = [{"name": name, "rcp": 0, "kb": 0.0, "conn": 0} for name in sorted(names) if wanted in ("*", name)]
    text = "\n".join([*(str(row["name"]) for row in rows), f"{len(rows)} domain(s)."])
    return Reply("", {"domain": rows, "total": len(rows)}, text)


def _change_queue(daemon: Daemon, _: State, call: Call) -> Reply:
    name, queue = call.command.name, call.arguments[0]
    if name == "set queue":
        mode = call.options.get("mode", "")
        if mode not in ("normal", "backoff"):
            raise Refused("set queue: --mode=normal or --mode=backoff is needed")
        change: dict[str, Any] = {"mode": mode}
        text = f"Queue(s) set to {mode} mode."
    else:
        change = {"paused": name == "pause queue"}
        text = "Queue(s) paused." if change["paused"] else "Queue(s) resumed."
    with daemon.store.locked():
        state = daemon.store.read()
        known = {*state.queues, *known_figures(daemon.store)[1]}
        matching = [q for q in known if _matches(queue, q)] or ([queue] if "*" not in queue else [])
        for matched in matching:
            state.queues[matched] = {**state.queues.get(matched, {}), **change}
        daemon.store.write(state)
    return Reply(text)


def _in_force(daemon: Daemon, state: State, _: Call) -> Reply:
    import hashlib

    from pmtaform_emulator.listeners import listening

    files = {path: hashlib.sha256(content).hexdigest() for path, content in daemon.in_force().items()}
    pending = state.pending() if state.running else []
    ports = listening(daemon.store)
    data = {
        "running": state.running,
        "generation": state.generation,
        "files": files,
        "restartPending": pending,
        "listening": ports,
    }
    lines = [f"running {str(state.running).lower()}", f"generation {state.generation}"]
    lines += [f"{digest} {path}" for path, digest in files.items()]
    lines += [
        f"restart of {row['service']} pending: {row['name']} in force {row['inForce']}, loaded {row['loaded']}"
        for row in pending
    ]
    lines += [f"{p['protocol']} {p['address']}:{p['port']} {p['problem'] or 'open'}" for p in ports]
    return Reply("", data, "\n".join(lines))


def _top(daemon: Daemon, state: State) -> LoadedSection:
    return _loaded(daemon, state).top


def _loaded(daemon: Daemon, state: State) -> Loaded:
    from pmtaform_emulator import loading

    kept = Layout(daemon.store.folder / "configurations" / str(state.generation))
    return loading.read(kept, version=daemon.layout.version())


def _last(rows: Sequence[Any], number: int) -> list[Any]:
    return list(rows[max(0, len(rows) - number) :])


def _most(call: Call, usual: int) -> int:
    return _number(call, "maxitems") if "maxitems" in call.options else usual


def _number(call: Call, option: str) -> int:
    text = call.options[option]
    if not text.isdecimal():
        raise Refused(f"--{option}: {text} is not a number")
    return int(text)


def _matches(pattern: str, queue: str) -> bool:
    from fnmatch import fnmatchcase

    if "/" not in pattern:
        pattern += "/*"
    return fnmatchcase(queue.replace("[", "("), pattern.replace("[", "("))


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


_QUERIES: Final[Mapping[str, Callable[[Daemon, State, Call], Reply]]] = {
    "show status": _status,
    "show settings": _settings,
    "show vmta-settings": _settings,
    "show vmtas": _vmtas,
    "show queues": _queues,
    "show topqueues": _queues,
    "show domains": _domains,
    "show topdomains": _domains,
    "set queue": _change_queue,
    "pause queue": _change_queue,
    "resume queue": _change_queue,
    "emulator inforce": _in_force,
}
_PLAIN: Final[Mapping[str, str]] = {
    "clear dnscache": "DNS cache cleared.",
    "clear secretscache": "Secrets cache cleared.",
    "rotate log": "Log rotated.",
    "rotate acct": "Accounting file rotated.",
    "reset counters": "Counters reset.",
    "reset status": "Counters reset.",
    "show jobs": "0 job(s).",
    "show disabled sources": "0 disabled source(s).",
}
