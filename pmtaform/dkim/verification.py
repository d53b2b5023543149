"""Verifying a signature as a receiver would, with dkimpy: an implementation of DKIM that is not ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

# The text of the TXT record at a name (without a dot at its end), its strings joined; None when there is none.
Txt = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """Whether a signature is valid, and why not."""

    ok: bool
    why: str = ""


def verify_signature(message: bytes, txt: Txt) -> SignatureCheck:
    """Whether the first DKIM-Signature of a message is valid by the record that `txt` knows. Nothing else is asked."""
    import dkim

    heard = _Heard()
    asked: list[str] = []

    def answer(name: bytes, timeout: float = 0) -> bytes | None:  # noqa: ARG001 - dkimpy gives it
        asked.append(name.decode("ascii").rstrip("."))
        record = txt(asked[-1])
        return None if record is None else record.encode("utf-8", "surrogateescape")

    try:
        verifier = dkim.DKIM(message, logger=heard.logger, minkey=1024, timeout=0)
        if verifier.verify(dnsfunc=answer):
            return SignatureCheck(ok=True)
    except dkim.DKIMException as problem:
        return SignatureCheck(ok=False, why=str(problem))
    except Exception as problem:  # dkimpy raises anything over some malformed records
        return SignatureCheck(
            ok=False, why=f"the record's key has no form that could be read ({type(problem).__name__})"
        )
    if not asked:
        return SignatureCheck(ok=False, why="the message has no signature")
    return SignatureCheck(ok=False, why=heard.last or "the signature is not of the key that the record shows")


class _Heard(logging.Handler):
    """Keeps the reason that dkimpy logs; it is not logged anywhere."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last = ""
        self.logger = logging.Logger("pmtaform.dkim.verification", logging.ERROR)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()
