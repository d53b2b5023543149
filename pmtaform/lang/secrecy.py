"""Find secrets in clear text, by the catalogue."""

from __future__ import annotations

from typing import Final

from pmtaform.lang.catalogue import DirectiveSpec

_STAND_INS: Final = ("(secret ", "${", "{{", "$(")  # of a masked text and of templates: there is no secret yet


def holds_secret(spec: DirectiveSpec, text: str) -> bool:
    """Whether a directive's value is or contains a secret in clear text."""
    words = text.split(None, 1)
    if spec.sensitive == "second":
        return len(words) > 1 and _is_clear(words[1])
    return spec.sensitive is not None and "secret" in spec.types and _is_clear(text)


def _is_clear(text: str) -> bool:
    return bool(text.strip(' \t"')) and not text.startswith(_STAND_INS)
