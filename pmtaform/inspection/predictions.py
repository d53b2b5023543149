"""Whether the configuration in force is the one that was written: `pmta show settings` against `lang.effective`.

Only queues and directives whose effective value changes are compared. The spelling of values that PowerMTA shows is not
fully documented, and `effective` makes some assumptions: a difference that either can explain is a remark. Only a value
that contradicts a line of the configuration itself counts against the host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pmtaform.host import Answer
from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.effective import DEFAULT_VMTA, EffectiveChange, ValueMove
from pmtaform.lang.effective.model import Source

MOST = 6  # queues
_ANY = "pmtaform-check"  # a name that no <domain> has, below one that a wildcard covers


@dataclass(frozen=True, slots=True)
class Prediction:
    """The settings that a queue must show once the change is in force."""

    queue: str
    moves: tuple[ValueMove, ...]

    @property
    def question(self) -> tuple[str, ...]:
        """The words for `pmta`."""
        return ("show", "settings", self.queue)


def predictions(change: EffectiveChange, most: int = MOST) -> tuple[Prediction, ...]:
    """For at most `most` changed queues, what `pmta show settings` must show."""
    predicted: list[Prediction] = []
    for pair in change.pairs:
        moves = tuple(_without_trees(move) for move in pair.moves if _telling(move))
        if pair.domain and pair.vmtas and moves:
            vmta = "" if pair.vmtas[0] == DEFAULT_VMTA else f"/{pair.vmtas[0]}"
            predicted.append(Prediction(_asked(pair.domain) + vmta, moves))
        if len(predicted) == most:
            break
    return tuple(predicted)


def _without_trees(move: ValueMove) -> ValueMove:
    """The move without its lines, which hold the trees of both sides: 4 MB for 5,000 lines."""
    before, after = move.before, move.after
    return replace(
        move,
        before=before and replace(before, lines=(), overruled=()),
        after=after and replace(after, lines=(), overruled=()),
    )


def _asked(domain: str) -> str:
    """A concrete domain for the query instead of a wildcard."""
    if domain == "*":
        return f"{_ANY}.invalid"
    return domain.removeprefix("[*.]") if domain.startswith("[*.]") else domain.replace("*", _ANY, 1)


def _telling(move: ValueMove) -> bool:
    """Whether a line of the new configuration sets the value, and the value may be shown."""
    after = move.after
    return (
        after is not None
        and after.source is Source.SET
        and not after.assumptions
        and after.spec is not None
        and after.spec.sensitive is None
    )


def disagreements(prediction: Prediction, answer: Answer) -> tuple[list[str], list[str]]:
    """Sentences on what contradicts the prediction, and on what is not known."""
    if answer.exit_code:
        return [], [f"pmta show settings {prediction.queue} failed (exit {answer.exit_code}), so it proves nothing"]
    shown = _shown(answer.text)
    wrong: list[str] = []
    unsure: list[str] = []
    for move in prediction.moves:
        for against, sentence in _judge(prediction.queue, move, shown):
            (wrong if against else unsure).append(sentence)
    return wrong, unsure


def is_in_force(prediction: Prediction, answer: Answer, *, undone: bool = False) -> bool:
    """Whether an answer proves which configuration is in force: the new one, or with `undone` the old one.

    Proof is a value that differs between the two for certain.
    """
    if answer.exit_code:
        return False
    shown = _shown(answer.text)
    return any(_proves(move, shown, undone) for move in prediction.moves)


def _proves(move: ValueMove, shown: Mapping[str, list[str]], undone: bool) -> bool:
    before, after = move.before, move.after
    if before is None or after is None or before.assumptions or move.name not in shown:
        return False
    old, new = tuple(sorted(before.normal)), tuple(sorted(after.normal))
    lines = [] if shown[move.name] == ['""'] else shown[move.name]
    return old != new and tuple(sorted(values.normalise(after.spec, value) for value in lines)) == (
        old if undone else new
    )


def _shown(text: str) -> dict[str, list[str]]:
    """`directive value` lines; an empty value is `""`."""
    by_name: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        if name:
            by_name.setdefault(name.lower(), []).append(value.strip())
    return by_name


def _judge(queue: str, move: ValueMove, shown: Mapping[str, list[str]]) -> Iterator[tuple[bool, str]]:
    after = move.after
    assert after is not None  # `_telling`
    if move.name not in shown:
        yield False, f"pmta show settings {queue} does not show {move.name}"
        return
    lines = [] if shown[move.name] == ['""'] else shown[move.name]
    normal = [values.normalise(after.spec, value) for value in lines]
    if after.spec is None or not after.spec.ordered:
        normal = sorted(normal)
    if tuple(normal) == after.normal or tuple(sorted(normal)) == after.normal:
        return
    had = move.before.normal if move.before is not None else None
    listed = ", ".join(values.shown(value) for value in lines) or '""'
    sentence = f"{move.name} of {queue} is {listed}, and the new configuration sets {after.text}"
    if tuple(normal) == had or all(_understood(after.spec, value) for value in lines):
        yield True, sentence
    else:
        yield False, f"{sentence}; how PowerMTA spells that is not known"


def _understood(spec: object, value: str) -> bool:
    return isinstance(spec, DirectiveSpec) and values.problem(spec, value) is None
