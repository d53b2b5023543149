"""Keys with `rotation`: read, checked, and written out as one key for each of their selectors.

The selectors are not in a stack's files: `Stack.selectors` has them, from the history and from DNS.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, replace
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.rotation import (
    ROTATION_DIFFERS,
    ROTATION_NAME,
    ROTATION_REFERENCE,
    ROTATION_SELECTOR,
    ROTATION_TIMES,
)
from pmtaform.diagnostics.codes.stack import DUPLICATE_DECLARATION, MISSING_KEY
from pmtaform.errors import Invalid
from pmtaform.lang.blocks import Address
from pmtaform.model.rotation import VARIABLE, Rotation, WantedSelectors
from pmtaform.secrets import forms, require_reference
from pmtaform.stack import shapes
from pmtaform.stack.findings import unique
from pmtaform.stack.key_plans import KeyPlan, keys_of, merge_keys
from pmtaform.stack.nodes import Mapping, Node, Scalar, is_null
from pmtaform.stack.stack import Stack
from pmtaform.stack.validate import validate
from pmtaform.stack.variables import resolve, substitute

FIELD: Final = "rotation"
_USE: Final = "${" + VARIABLE + "}"
_LONGEST_STEM: Final = 48  # with its date and a number, a selector is still one label of 63 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedKey:
    """One key that is rotated. `reference` has `${selector}` in it; `hosts` are all that have the key."""

    domain: str
    stem: str
    rotation: Rotation
    reference: str
    hosts: tuple[str, ...]
    place: Place

    @property
    def name(self) -> str:
        """`example.com/s`."""
        return f"{self.domain}/{self.stem}"

    def reference_of(self, selector: str) -> str:
        """Where the private key of a selector is."""
        return self.reference.replace(_USE, selector)


def expanded(
    plans: dict[str, KeyPlan], selectors: MappingType[str, WantedSelectors], problems: Diagnostics
) -> tuple[dict[str, KeyPlan], dict[str, KeyPlan]]:
    """(keys as hosts should have them, keys that are rotated as they were written); what is wrong is in `problems`."""
    result: dict[str, KeyPlan] = {}
    rotated: dict[str, KeyPlan] = {}
    for name, plan in plans.items():
        node = _node(plan)
        if node is None:
            result[name] = plan
            continue
        rotated[name] = plan
        if read_rotation(node, problems) is None or _reference(plan, problems) is None:
            continue
        wanted = selectors.get(name, WantedSelectors())
        for selector in wanted.files:
            inner = f"{plan.domain}/{selector}"
            if inner in plans:
                detail = f"The rotation of {name} has made the selector {selector}: give this key another name."
                problems.report(DUPLICATE_DECLARATION, detail, plans[inner].place)
            else:
                signs = selector == wanted.signing
                one = _as_one(plan, selector, signs=signs)
                result[inner] = replace(one, retires=not signs and selector not in wanted.waiting)
    return result, rotated


def retired_of(rotated: MappingType[str, KeyPlan], selectors: MappingType[str, WantedSelectors]) -> frozenset[str]:
    """The addresses of key files that no mail can need any more."""
    return frozenset(
        str(Address("dkim-key", f"{plan.domain}/{selector}"))
        for name, plan in rotated.items()
        for selector in selectors.get(name, WantedSelectors()).retired
    )


def rotated_keys(stack: Stack) -> dict[str, RotatedKey]:
    """The keys of a stack that are rotated, by name. Raises `Invalid`, also when two hosts say different things."""
    layers = [stack.base, *stack.groups.values(), *stack.own.values()]
    if not any(_mentions(layer.keys) for layer in layers):
        return {}
    problems = Diagnostics()
    keys: dict[str, RotatedKey] = {}
    for host in stack.hosts:
        for plan in _plans(stack, host, problems).values():
            one = _key(plan, host, problems)
            if one is None:
                continue
            known = keys.setdefault(one.name, one)
            if (known.rotation, known.reference) != (one.rotation, one.reference):
                detail = f"{one.name}: {host} and {known.hosts[0]} have different settings. A selector has one "
                detail += "record in DNS, so all its hosts need one `private-key` and one `rotation`."
                problems.report(ROTATION_DIFFERS, detail, one.place)
            elif host not in known.hosts:
                keys[one.name] = replace(known, hosts=(*known.hosts, host))
    if problems.has_errors:
        raise Invalid.all(unique(problems))
    return keys


def read_rotation(node: Node, problems: Diagnostics) -> Rotation | None:
    """The settings under `rotation`; None when they are invalid; errors go into `problems`."""
    before = len(problems.errors)
    values = validate(shapes.ROTATION, node, "`rotation`", problems)
    if len(problems.errors) > before or "every" not in values:
        return None
    made = Rotation(**{key.replace("-", "_"): value for key, value in values.items()})
    if made.publish_for >= made.every:
        detail = (
            "`publish-for` is not shorter than `every`: the next key would be due before its record had been there "
        )
        detail += "long enough. Make `every` longer."
        problems.report(ROTATION_TIMES, detail, node.place)
        return None
    return made


def _mentions(node: Node | None) -> bool:
    if not isinstance(node, Mapping):
        return False
    return any(isinstance(value, Mapping) and FIELD in value.entries for _, value in node.items())


def _plans(stack: Stack, host: str, problems: Diagnostics) -> dict[str, KeyPlan]:
    layers = stack.layers(host)
    variables = resolve([layer.variables for layer in layers], host, problems)
    plans: dict[str, KeyPlan] = {}
    for layer in layers:
        plans = merge_keys(plans, keys_of(layer.keys, variables, problems))
    return plans


def _key(plan: KeyPlan, host: str, problems: Diagnostics) -> RotatedKey | None:
    node = _node(plan)
    rotation = None if node is None else read_rotation(node, problems)
    reference = None if rotation is None else _reference(plan, problems)
    if rotation is None or reference is None:
        return None
    return RotatedKey(
        domain=plan.domain,
        stem=plan.selector,
        rotation=rotation,
        reference=reference,
        hosts=(host,),
        place=plan.place,
    )


def _node(plan: KeyPlan) -> Node | None:
    node, _ = plan.fields.get(FIELD, (None, None))
    return None if node is None or is_null(node) else node


def _as_one(plan: KeyPlan, selector: str, *, signs: bool) -> KeyPlan:
    """The key that one selector of a rotated key is."""
    fields = {
        field: (node, variables.with_values({VARIABLE: selector}))
        for field, (node, variables) in plan.fields.items()
        if field != FIELD
    }
    return KeyPlan(f"{plan.domain}/{selector}", plan.place, fields, signs=signs)


def _reference(plan: KeyPlan, problems: Diagnostics) -> str | None:
    """The reference with `${selector}` in it; None when it is of no use."""
    if plan.domain == "*" or len(plan.selector) > _LONGEST_STEM:
        why = (
            "a key for all domains has no record"
            if plan.domain == "*"
            else f"its name has over {_LONGEST_STEM} letters"
        )
        problems.report(ROTATION_NAME, f"{plan.domain}/{plan.selector}: {why}.", plan.place)
        return None
    for field in ("private-key", "path"):
        node, _ = plan.fields.get(field, (None, None))
        if isinstance(node, Scalar) and not node.is_null and _USE not in node.text:
            detail = f"`{field}` of {plan.domain}/{plan.selector} is the same for every selector: put {_USE} into it."
            problems.report(ROTATION_SELECTOR, detail, node.place)
            return None
    one = _as_one(plan, _USE, signs=False)
    node, variables = one.fields.get("private-key", (None, None))
    if not isinstance(node, Scalar) or variables is None or (text := substitute(node, variables, problems)) is None:
        detail = f"{plan.domain}/{plan.selector} needs `private-key` with a reference, such as keyring:dkim/{_USE}."
        problems.report(MISSING_KEY, detail, plan.place)
        return None
    try:
        reference = require_reference(text.replace(_USE, plan.selector), what="A private key", place=node.place)
    except Invalid as error:
        problems.extend(error.diagnostics)
        return None
    if not reference.kind.is_writable:
        detail = f"{reference.scheme}: is not written by pmtaform, and rotation makes new keys. Write "
        detail += f"{forms(writable=True)}, with {_USE} in it."
        problems.report(ROTATION_REFERENCE, detail, node.place)
        return None
    return text
