"""`lifecycle`: the blocks that are ignored, and those that are protected."""

from __future__ import annotations

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import BAD_ADDRESS
from pmtaform.lang.blocks import SETTING
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.model.desired import FILE
from pmtaform.stack.nodes import Mapping, Node, Sequence
from pmtaform.stack.shapes import LIFECYCLE
from pmtaform.stack.stack import Lifecycle
from pmtaform.stack.validate import validate

KEY_KIND = "dkim-key"


def read_lifecycle(node: Node | None, problems: Diagnostics) -> Lifecycle:
    """The patterns under a layer's `lifecycle`; those that can name nothing are errors."""
    values = validate(LIFECYCLE, node, "`lifecycle`", problems)
    for field in ("ignore", "protect"):
        listed = node.get(field) if isinstance(node, Mapping) else None
        for item in listed.items if isinstance(listed, Sequence) else []:
            text = str(item.value())
            if problem := _problem(text):
                problems.report(BAD_ADDRESS, f"`{text}`: {problem}", item.place)
    return Lifecycle(ignore=tuple(values.get("ignore", ())), protect=tuple(values.get("protect", ())))


def kinds() -> set[str]:
    """Every kind of block that an address can start with."""
    known = catalogue()
    keyed = {spec.name for spec in known.directives if spec.key and GLOBAL in spec.scopes}
    top = {tag for tag in known.sections if known.may_stand_in(tag, None)}
    return {SETTING, KEY_KIND, FILE, *keyed, *top}


def _problem(text: str) -> str:
    kind, bracket, rest = text.partition("[")
    if bracket and not rest.endswith("]"):
        return "The closing ] is missing."
    if "*" in kind.replace("\\*", "") or kind in kinds():
        return ""
    if catalogue().directive(GLOBAL, kind):
        return f"A global directive is addressed as {SETTING}[{kind}]."
    return f"Write kind[name], as in domain[gmail.com] or {SETTING}[postmaster].{did_you_mean(kind, kinds())}"
