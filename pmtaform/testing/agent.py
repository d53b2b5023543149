"""The answers of a host in memory to each request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pmtaform.host.model import Answer
from pmtaform.testing.changes import Changes, Died, told_answer
from pmtaform.testing.paths import matches
from pmtaform.testing.requests import MemoryRequest, said
from pmtaform.testing.transactions import KeptGeneration, Life, MemoryTransaction, Settled, TransactionResult

if TYPE_CHECKING:
    from pmtaform.testing.host import MemoryHost
    from pmtaform.testing.session import MemorySession


def answer(host: MemoryHost, request: MemoryRequest, session: MemorySession) -> bytes:
    """What the host answers to `request`."""
    settle_expired(host)
    if request.op in ("apply", "recover"):
        return _start(host, request, session)
    return _OPS[request.op](host, request)


def settle_expired(host: MemoryHost) -> None:
    """Undo every pending change whose time is over."""
    for tx in list(host.kept.open.values()):
        if tx.life is Life.PENDING and tx.deadline <= host.now:
            Changes(host).expire(tx)


def clear_staged(host: MemoryHost, session: MemorySession) -> None:
    """Take away what `session` staged and no one resumed; there is no record of it."""
    for tx in list(host.kept.open.values()):
        if tx.life is Life.STAGED and tx.session is session:
            del host.kept.open[tx.id]


# -- transactions ------------------------------------------------------------------------------------------------------


def _start(host: MemoryHost, request: MemoryRequest, session: MemorySession) -> bytes:
    name = request["id"]
    if name not in host.kept.open and name not in host.kept.settled:
        tx = host.kept.open[name] = MemoryTransaction(request, session)
        _attempt(lambda: Changes(host).make(tx))
    return _told(host, request)


def _onward(host: MemoryHost, request: MemoryRequest) -> bytes:
    tx = host.kept.open.get(request["id"])
    changes = Changes(host)
    if tx is not None and request.op == "commit" and tx.life is Life.STAGED:
        _attempt(lambda: changes.resume(tx))
    elif tx is not None and request.op == "confirm" and tx.life is Life.PENDING:
        _attempt(lambda: changes.confirm(tx))
    elif tx is not None and request.op == "revert" and tx.life is not Life.WORKING:
        _attempt(lambda: changes.take_back(tx, request["why"]))
    lines = _told(host, request)
    return lines + _look(host, request) if request["look"] == "yes" else lines


def _attempt(action: Callable[[], None]) -> None:
    with suppress(Died):  # what it left is found by the next request
        action()


def _result(host: MemoryHost, request: MemoryRequest) -> bytes:
    name = request["id"]
    if request["force"] == "yes" and name not in host.kept.open and name not in host.kept.settled:
        why = "the connection was lost before the whole request had arrived; nothing was changed"
        host.kept.settled[name] = Settled(TransactionResult("refused", "receive", why), request, (), "")
    return _told(host, request)


def _told(host: MemoryHost, request: MemoryRequest) -> bytes:
    """The record of a transaction, or where it stands."""
    name = request["id"]
    if name in host.kept.settled:
        return host.kept.settled[name].told(request)
    tx = host.kept.open.get(name)
    if tx is None:
        return said("status none")
    if tx.life is Life.WORKING:
        return said("status unfinished")
    answers = tx.answers if tx.life is Life.PENDING else []
    return said(f"status {tx.life}", f"left {_left(host, tx)}", *tx.recovered, *tx.doubts, *answers)


def _left(host: MemoryHost, tx: MemoryTransaction) -> int:
    return round(tx.deadline - host.now)


# -- looking -----------------------------------------------------------------------------------------------------------


def _look(host: MemoryHost, request: MemoryRequest) -> bytes:
    asked = {}
    patterns = []
    for fields in request.lines:
        word, _, rest = "\t".join(fields).partition(" ")
        if word == "file":
            want, _, path = rest.partition(" ")
            asked[path] = want
        elif word == "pattern":
            patterns.append(rest)
    parts = [_file(host, request, path, want) for path, want in asked.items()]
    for pattern in patterns:
        named = matches(host.files, pattern)
        parts.append(said(f"pattern {pattern}", *(f"match {path}" for path in named)))
        parts += [_file(host, request, path, "new") for path in named if path not in asked]
        asked |= dict.fromkeys(named, "new")
    return b"".join([*parts, _facts(host, request), _version(host, request)])


def _file(host: MemoryHost, request: MemoryRequest, path: str, want: str) -> bytes:
    file = host.files.get(path)
    if file is None:
        is_folder = any(other.startswith(f"{path}/") for other in host.files)
        return said(f"bad folder\t{path}" if is_folder else f"absent {path}")
    size = len(file.content)
    fields = [file.digest, f"{0o100000 | file.mode:x}", "0", "0", str(size), file.owner, file.group, file.digest, path]
    line = said("file " + "\t".join(fields))
    if want in ("hash", file.digest):
        return line
    return line + request.framed(b"data " + path.encode("utf-8", "surrogateescape"), file.content)


def _facts(host: MemoryHost, request: MemoryRequest) -> bytes:
    lines = [f"machine {host.machine_id}", f"generation {host.kept.newest}"]
    for tx in host.kept.open.values():
        if tx.life is Life.WORKING:
            lines.append(f"unsettled {tx.id}")
        else:
            fields = [tx.life, str(_left(host, tx)), tx.request["since"], tx.request["who"], tx.request["what"]]
            lines.append("awaiting " + "\t".join([tx.id, *fields]))
    if host.kept.untaken is not None:
        lines.append(f"unsettled {host.kept.untaken[0].id}")
    if request["outcome"]:
        lines += _outcome(host, request["outcome"])
    return said(*lines)


def _outcome(host: MemoryHost, name: str) -> list[str]:
    settled = host.kept.settled.get(name)
    if settled is not None:
        words = ("status ", "step ", "reason ", "generation ")
        return [f"outcome-{line}" for line in settled.facts() if line.startswith(words)]
    return ["outcome-status unsettled" if name in host.kept.open else "outcome-status none"]


def _version(host: MemoryHost, request: MemoryRequest) -> bytes:
    if host.pmta is None:
        return said("stamp -")
    stamp = f"{id(host.pmta)}.1"
    if request["stamp"] == stamp:
        return said(f"stamp {stamp}")
    version = host.pmta.answer(host, ("show", "version"))
    return said(f"stamp {stamp}") + request.framed(b"version", version.text.encode())


def _examine(host: MemoryHost, request: MemoryRequest) -> bytes:
    tx = host.kept.open.get(request["id"])
    seconds = 0
    if tx is not None and tx.life is Life.PENDING:
        seconds = request.number("confirm")
        tx.deadline = host.now + seconds
    lines = [f"left {seconds}"]
    questions = [fields for fields in request.lines if fields != ["end"]]
    for number, (kind, _, *words) in enumerate(questions, 1):
        is_asked = kind == "ask" and host.pmta is not None
        reply = host.pmta.answer(host, tuple(words)) if is_asked and host.pmta else Answer(2, "")  # no other tools
        lines += told_answer(number, reply)
    return said(*lines)


# -- what is kept ------------------------------------------------------------------------------------------------------


def _generations(host: MemoryHost, request: MemoryRequest) -> bytes:
    if request["id"]:
        tx = host.kept.open.get(request["id"])
        waiting = [] if tx is None else [KeptGeneration(0, tx.request, tuple(tx.entries), b"")]
        return b"".join(said("kept 0", *each.info(), *(e.line() for e in each.entries)) for each in waiting)
    return b"".join(
        said(f"kept {each.name}", *each.info(), *(e.line() for e in each.entries)) for each in host.kept.generations
    )


def _left_by(host: MemoryHost, request: MemoryRequest) -> bytes:
    chosen = [g for g in host.kept.generations if request["of"] in ("", g.name)][-1:]
    parts = []
    for generation in chosen:
        parts.append(said(f"kept {generation.name}", *generation.info()))
        if generation.request.record:
            parts.append(request.framed(b"data record", generation.request.record))
            if request["look"] == "yes" and generation is host.kept.generations[-1]:
                parts.append(request.framed(b"data base", generation.base))
    return b"".join(parts)


def _copies(host: MemoryHost, request: MemoryRequest) -> bytes:
    tx = host.kept.open.get(request["id"])
    parts = []
    for name in ("\t".join(fields) for fields in request.lines if fields != ["end"]):
        if tx is not None:
            number = name.partition("/")[2]
            content = KeptGeneration(0, tx.request, tuple(tx.entries), b"").copy(number)
        else:
            content = host.kept.copy(name)
        if content is not None:
            parts.append(request.framed(b"data " + name.encode(), content))
    return b"".join(parts)


def _results(host: MemoryHost, request: MemoryRequest) -> bytes:  # noqa: ARG001  (as the others)
    return b"".join(
        said(f"result {name}", *(line for line in settled.facts() if not line.startswith("id ")))
        for name, settled in host.kept.settled.items()
    )


def _release(host: MemoryHost, request: MemoryRequest) -> bytes:  # noqa: ARG001  (as the others)
    return said("status none")  # requests take turns, so none holds a lock between two


_OPS: Final[dict[str, Callable[[MemoryHost, MemoryRequest], bytes]]] = {
    "probe": _look,
    "commit": _onward,
    "confirm": _onward,
    "revert": _onward,
    "result": _result,
    "examine": _examine,
    "generations": _generations,
    "left": _left_by,
    "copies": _copies,
    "results": _results,
    "release": _release,
}
