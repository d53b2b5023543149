"""Read mappings of a stack and the names in them."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes.stack import BAD_NAME, STACK_SHAPE
from pmtaform.stack.nodes import Mapping, Node, Scalar, is_null, kind_of

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def mapping_in(node: Node | None, what: str, form: str, problems: Diagnostics) -> Mapping | None:
    """The mapping in a node; None when there is nothing, or something else, which goes into `problems`.

    `what` names the node in messages, `form` is how it is written.
    """
    if node is None or is_null(node):
        return None
    if isinstance(node, Mapping):
        return node
    problems.report(STACK_SHAPE, f"{what} is {kind_of(node)}: write {form}.", node.place)
    return None


def named_nodes(
    node: Node | None, what: str, form: str, problems: Diagnostics, *, longest: int = 253
) -> list[tuple[Scalar, Node]]:
    """The names in a mapping, each with its node. Names that cannot be used go into `problems` and are left out."""
    mapping = mapping_in(node, f"`{what}`", form, problems)
    named: list[tuple[Scalar, Node]] = []
    for key, value in mapping.items() if mapping is not None else ():
        if _NAME.fullmatch(key.text) and len(key.text) <= longest:
            named.append((key, value))
        else:
            detail = f"{key.text!r} under `{what}`: a name has up to {longest} letters, digits, dots, - and _, and "
            problems.report(BAD_NAME, f"{detail}starts with a letter or a digit.", key.place)
    return named
