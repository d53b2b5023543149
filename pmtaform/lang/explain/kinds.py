"""What a directive takes, in words and examples (docs/powermta/language.md section 2, in `data/types.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pmtaform.lang.catalogue import DirectiveSpec


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A type of value: what it is, a few examples, and the section of the guide."""

    text: str
    examples: tuple[str, ...] = ()
    basis: str = ""


@cache
def kinds() -> Mapping[str, ValueKind]:
    """Every type of the catalogue that is not a mere alternative of others."""
    text = resources.files("pmtaform.lang").joinpath("data", "types.json").read_text(encoding="utf-8")
    rows = json.loads(text)
    return {row["type"]: ValueKind(row["text"], tuple(row.get("examples", ())), row.get("basis", "")) for row in rows}


def in_words(spec: DirectiveSpec) -> ValueKind:
    """What a directive takes; the words of an enumeration are the directive's own."""
    known = kinds()
    parts = [spec.type] if spec.type in known else _parts(spec.type)
    descriptions = [known[part] for part in parts]
    texts = [kind.text for kind in descriptions if kind.text != known["enum"].text]
    examples = tuple(example for kind in descriptions for example in kind.examples)
    if not texts and not spec.enum:
        texts = ["one of a few words, which the guides do not list"]
    if spec.enum:
        listed = _one_of(spec.enum)
        texts = [listed] if "enum" in spec.types or not texts else [*texts, f"words: {listed}"]
        if "bool" in spec.types or spec.type.startswith("enum"):
            examples = tuple(spec.enum[:3])
    if spec.type == "enum+secret":
        texts.append("and a secret key where the policy needs one")
    basis = next((kind.basis for kind in descriptions if kind.basis), "")
    return ValueKind("; or ".join(texts) if "|" in spec.type else ", ".join(texts), examples, basis)


def _parts(kind: str) -> list[str]:
    return kind.replace("+", "|").split("|")


def _one_of(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)
