"""Remove secrets from the output of `pmta`, which may quote the configuration, before it is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pmtaform.host import Outcome
from pmtaform.inspection.prepared import BothTexts
from pmtaform.lang.blocks import Block, blocks_of, directives_in, spec_of
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.tree import Section
from pmtaform.lang.values import SENSITIVE

_SHORT = 3  # shorter values are ordinary words


def redacted(outcome: Outcome, texts: BothTexts) -> Outcome:
    """The outcome without the secrets that the host's old or new configuration holds."""
    if not (outcome.output or outcome.reason or outcome.doubts) or not _may_hold_secrets(texts):
        return outcome
    blocks = (block for side in (texts.before(), texts.after()) for block in blocks_of(side).values())
    return without_secrets(outcome, blocks)


def _may_hold_secrets(texts: BothTexts) -> bool:
    """Whether the name of a sensitive directive is anywhere in the texts: to parse both takes 16 ms for 5,000 lines.

    A name may be continued on the next line.
    """
    names = [spec.name.encode("ascii") for spec in catalogue().directives if spec.sensitive]
    for content in map(bytes.lower, texts.contents()):
        if b"\\\n" in content or b"\\\r" in content or any(name in content for name in names):
            return True
    return False


def without_secrets(outcome: Outcome, blocks: Iterable[Block]) -> Outcome:
    """The outcome without the secrets of these blocks."""
    secrets = sorted(_secrets(blocks), key=len, reverse=True)

    def without(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, SENSITIVE)
        return text

    doubts = tuple(replace(doubt, text=without(doubt.text)) for doubt in outcome.doubts)
    return replace(outcome, output=without(outcome.output), reason=without(outcome.reason), doubts=doubts)


def _secrets(blocks: Iterable[Block]) -> set[str]:
    return {text for block in blocks for value in _values(block) for text in _texts(value) if len(text) >= _SHORT}


def _values(block: Block) -> Iterator[str]:
    for part, path, directive in directives_in(block):
        scope = path[-1].split("[", 1)[0] if path else part.node.tag if isinstance(part.node, Section) else GLOBAL
        spec = spec_of(scope, directive.name)
        if spec is not None and spec.sensitive:
            yield directive.value


def _texts(value: str) -> tuple[str, ...]:
    """The texts as which a value may be quoted: complete, without its quotes, and without its first word."""
    return (value.strip(), value.strip().strip("\"'"), value.partition(" ")[2].strip())
