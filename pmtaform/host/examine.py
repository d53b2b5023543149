"""Looking at a host by questions, which change nothing."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.host.answers import HostFacts
from pmtaform.host.model import Answer, HostSpec, Question
from pmtaform.host.request import whole_seconds
from pmtaform.host.text import checked, encode
from pmtaform.host.transport import Session
from pmtaform.host.wire import call, common, setting


def examine(
    session: Session,
    spec: HostSpec,
    questions: Sequence[Question],
    *,
    transaction: str = "",
    confirm_within: float = 0.0,
) -> tuple[tuple[Answer, ...], int]:
    """Each question's answer, and the seconds that a pending `transaction` has left; this call extends its deadline.

    0 seconds: it is not pending (any more). Raises `HostError` and `Unreachable`.
    """
    head = [*common(spec), setting("confirm", str(whole_seconds(confirm_within)), spec.name)]
    if transaction:
        head.append(setting("id", transaction, spec.name))
    lines = [
        encode("\t".join([each.kind, str(each.within), *(checked(w, "word", spec.name) for w in each.words)]) + "\n")
        for each in questions
    ]
    timeout = spec.connect_timeout + 60 + sum(each.within + 6 for each in questions)
    facts = HostFacts(call(session, spec, "examine", [*head, b"end\n", *lines, b"end\n"], timeout=timeout))
    return facts.answers, facts.left
