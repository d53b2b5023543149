"""The JSON Schema of a stack, made from the catalogue: an editor completes and explains every directive."""

from __future__ import annotations

import re
from typing import Any, Final

from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue
from pmtaform.model.desired import FileRole
from pmtaform.plugins import SECRET_PROVIDERS, TRANSPORTS
from pmtaform.secrets import forms
from pmtaform.stack import shapes
from pmtaform.stack.field_kinds import REFERENCE
from pmtaform.stack.file_plans import FIELDS as FILE_FIELDS
from pmtaform.stack.foreach import KEY as FOR_EACH
from pmtaform.stack.key_plans import FIELDS as KEY_FIELDS
from pmtaform.stack.names import takes_argument
from pmtaform.stack.values import is_list

Schema = dict[str, Any]

_SCALAR: Final[list[str]] = ["string", "number", "boolean"]
_VARIABLE: Final = r"\$\{"  # the value of a variable may be anything
_PATTERNS: Final = {
    "bool": r"^(?i:yes|no|true|false)$",
    "int": r"^-?[0-9]+$|^(?i:unlimited)$",
    "duration": r"^[0-9]+[0-9wdhms]*$",
    "duration-or-never": r"^[0-9]+[0-9wdhms]*$|^(?i:never)$",
}


def json_schema() -> Schema:
    """The schema (draft 2020-12) of a whole stack: one document with the keys of all its files."""
    scopes = {f"inside-{tag}": _scope(tag) for tag in catalogue().sections}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pmtaform stack",
        **_object(shapes.STACK),
        "$defs": {**_layers(), **_changes(), **_values(), "config": _scope(GLOBAL), **scopes},
    }


def _layers() -> Schema:
    """Definitions of what layers hold: hosts, groups, keys, files and the like."""
    return {
        "vars": _mapping(
            {"anyOf": [{"type": [*_SCALAR, "null"]}, {"type": "array", "items": {"type": _SCALAR}}]},
            "Variables: a value, or a list of values for for-each.",
        ),
        "hosts": _mapping(_reference_or_null("host"), "Hosts by name."),
        "groups": _mapping(_reference_or_null("group"), "Groups by name."),
        "host": _object(shapes.HOST),
        "group": _object(shapes.GROUP),
        "ssh": _object(shapes.SSH),
        "lifecycle": _object(shapes.LIFECYCLE),
        "native": _native(),
        "dkim-keys": _mapping(_reference_or_null("dkim-key"), "Keys by domain/selector."),
        "dkim-key": _key(),
        "rotation": _object(shapes.ROTATION) | {"required": list(shapes.ROTATION.required)},
        "files": _mapping(_reference_or_null("file"), "Files by their path on the host."),
        "file": _file(),
        "transport": _transport(),
    }


def _changes() -> Schema:
    """Definitions of how hosts are changed."""
    return {
        "limits": _object(shapes.LIMITS),
        "rollout": _object(shapes.ROLLOUT),
        "windows": _windows(),
        "checks": _mapping(_reference_or_null("check"), "Checks by name."),
        "check": _object(shapes.MappingShape(shapes.CHECK)),
        "freeze": _object(shapes.FREEZE),
        "commands": _object(shapes.COMMANDS),
        "expect": _object(shapes.EXPECT),
        "texts": _object(shapes.TEXTS_OF),
        "spread": _spread(),
        "dns": {"anyOf": [_object(shapes.DNS), {"enum": [*shapes.DNS_MODES, None]}]},
    }


def _values() -> Schema:
    """Definitions of values that appear at many places."""
    return {
        "reference": _reference(),
        "for-each": _for_each(),
        "secret": _secret("secret"),
        "file-and-secret": _secret("value", "secret"),
        "text": {"type": "string", "description": "PowerMTA's own lines, as a text block (|)."},
    }


def _reference_or_null(definition: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/$defs/{definition}"}, {"type": "null"}]}


# -- the stack's own keys ----------------------------------------------------------------------------------------------


def _object(shape: shapes.MappingShape) -> Schema:
    properties = {key: _described(_or_null(dict(kind.json)), text) for key, (kind, text) in shape.keys.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _described(schema: Schema, text: str) -> Schema:
    return {"description": text, **schema}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _mapping(values: Schema, text: str) -> Schema:
    return {"description": text, "type": ["object", "null"], "additionalProperties": values}


def _windows() -> Schema:
    one = {"type": "string", "description": "Sat,Sun 02:00-04:00 Europe/Berlin; days and zone (UTC) may be left out."}
    return {"anyOf": [one, {"type": "array", "items": one}, {"type": "null"}]}


def _spread() -> Schema:
    kinds = ["pool", "group"]
    counted = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {kind: {"type": "integer", "minimum": 1} for kind in kinds},
    }
    return {"anyOf": [{"enum": kinds}, counted, {"type": "null"}]}


def _native() -> Schema:
    named = {
        "type": "object",
        "additionalProperties": False,
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "description": "The file, relative to the stack's folder."},
            "path": {"type": "string", "description": "The file of the host that its blocks belong in."},
        },
    }
    return {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, named]}}


def _key() -> Schema:
    name = {"type": ["string", "null"]}
    kinds: Schema = {
        "private-key": _described(_or_null(dict(REFERENCE)), "A reference to the private key in PEM form."),
        "passphrase": _described(_or_null(dict(REFERENCE)), "A reference to the passphrase of an encrypted key."),
        "signs": {
            "description": "The virtual MTAs and pools that sign with it. Default: all.",
            "anyOf": [{"type": "array", "items": {"type": "string"}}, name],
        },
        "path": _described(name, "Its file on the host (/etc/pmta/dkim/SELECTOR.DOMAIN.pem)."),
        "mode": {
            "description": "Its mode: 0600 (the default), 0400, 0640 or 0440.",
            "type": ["string", "integer", "null"],
        },
        "owner": _described(name, "Its owner. Default: as on the host, else PowerMTA's own user."),
        "group": _described(name, "Its group."),
        "rotation": _or_null({"$ref": "#/$defs/rotation"}),
        FOR_EACH: {"$ref": "#/$defs/for-each"},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field: kinds[field] for field in KEY_FIELDS},
    }


def _file() -> Schema:
    name = {"type": ["string", "null"]}
    kinds: Schema = {
        "file": _described(name, "A file of the project without secrets; relative to the stack's folder."),
        "content": _described(name, "Its content, written here."),
        "secret": _described(_or_null(dict(REFERENCE)), "A reference to its content."),
        "private-key": _described(
            _or_null(dict(REFERENCE)), "A reference to a certificate's private key, for one PEM file of both."
        ),
        "key-file": _described(name, "The path of a certificate's private key, if that is another of the files."),
        "kind": {"description": "Its purpose. Default: detected from its content.", "enum": [*FileRole, None]},
        "mode": {
            "description": "Its mode. Default: as on the host, else 0640, and 0600 for a secret.",
            "type": ["string", "integer", "null"],
        },
        "owner": _described(name, "Its owner. Default: as on the host, else PowerMTA's own user."),
        "group": _described(name, "Its group."),
        FOR_EACH: {"$ref": "#/$defs/for-each"},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field: kinds[field] for field in FILE_FIELDS},
    }


def _transport() -> Schema:
    kinds = dict(TRANSPORTS.usable())
    words = "; ".join(f"{name}: {kind.summary}" for name, kind in kinds.items())
    return {"description": f"How a host is reached. {words}.", "enum": list(kinds)}


def _reference() -> Schema:
    return {
        "description": f"A reference to a secret: {forms()}.",
        "type": "string",
        "pattern": f"^({'|'.join(SECRET_PROVIDERS.names())}):.",
    }


def _for_each() -> Schema:
    return {
        "description": "Written once for many: {n: 1..16, ip: 192.0.2.1..192.0.2.16, name: [a, b]}.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": _SCALAR}}],
        },
    }


def _secret(*keys: str) -> Schema:
    kinds = {"secret": REFERENCE, "value": {"type": "string"}}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(keys),
        "properties": {key: kinds[key] for key in keys},
    }


# -- PowerMTA's directives and sections --------------------------------------------------------------------------------


def _scope(scope: str) -> Schema:
    known = catalogue()
    properties: Schema = {}
    patterns: Schema = {}
    for name in known.names(scope):
        spec = known.directive(scope, name)
        if spec is None:
            continue
        if name == "/REGEX/":
            patterns["^/"] = _directive(spec)
        else:
            properties[name] = _directive(spec)
    for tag, section in known.sections.items():
        if known.may_stand_in(tag, None if scope == GLOBAL else scope):
            inside = _section(section, scope)
            # `smtp-listener`, `spool`: one line as a directive, a mapping as a section
            properties[tag] = {**inside, "anyOf": [*inside["anyOf"], properties[tag]]} if tag in properties else inside
    if scope != GLOBAL:
        properties[FOR_EACH] = {"$ref": "#/$defs/for-each"}
    schema: Schema = {"type": ["object", "null"], "additionalProperties": False, "properties": properties}
    return {**schema, "patternProperties": patterns} if patterns else schema


def _directive(spec: DirectiveSpec) -> Schema:
    value = _value(spec)
    choices = [value, {"type": "null"}]
    if spec.accumulates or is_list(spec):
        choices.insert(1, {"type": "array", "minItems": 1, "items": value})
    if spec.key == "name":
        choices.insert(1, {"type": "object", "additionalProperties": {"anyOf": choices[:]}})
    schema: Schema = {"description": _summary(spec), "anyOf": choices}
    if spec.default is not None:
        schema["default"] = spec.default
    if spec.status != "current":
        schema["deprecated"] = True
    return schema


def _summary(spec: DirectiveSpec) -> str:
    form = f" Takes {spec.format}." if spec.format and spec.sensitive is None else ""
    instead = f" Outdated: write {spec.replaced_by}." if spec.replaced_by else ""
    return f"{spec.summary}{form}{instead}"


def _value(spec: DirectiveSpec) -> Schema:
    """One value. Only certain errors are rejected; a value with a variable always passes."""
    plain: Schema = {"type": _SCALAR}
    patterns = [_pattern(spec, kind) for kind in spec.types]
    if all(patterns):
        plain = _matching("|".join(pattern for pattern in patterns if pattern))
    if spec.sensitive == "value":
        return {"anyOf": [{"$ref": "#/$defs/secret"}, plain]}
    if spec.sensitive == "second":
        return {"anyOf": [{"$ref": "#/$defs/file-and-secret"}, plain]}
    return plain


def _pattern(spec: DirectiveSpec, kind: str) -> str | None:
    if kind == "enum" and spec.enum:
        words = [*spec.enum, *([spec.default] if spec.default else [])]
        return "^(?i:" + "|".join(re.escape(word) for word in dict.fromkeys(words)) + ")$"
    return _PATTERNS.get(kind)


def _matching(pattern: str) -> Schema:
    # JSON Schema's regexes are ECMAScript's, which has no (?i:…): the letters are spelled out.
    spelled = re.sub(r"\(\?i:(.*?)\)", lambda match: "(" + _any_case(match[1]) + ")", pattern)
    return {"type": _SCALAR, "pattern": f'{spelled}|{_VARIABLE}|^"'}


def _any_case(words: str) -> str:
    return re.sub(r"[A-Za-z]", lambda c: f"[{c[0].lower()}{c[0].upper()}]", words)


def _section(section: SectionSpec, scope: str) -> Schema:
    inside: Schema = {"$ref": f"#/$defs/inside-{section.tag}"}
    text: Schema = {"$ref": "#/$defs/text"}
    one: list[Schema] = [inside, text]
    if section.ordered:
        one.append({"type": "array", "items": {"type": _SCALAR}})
    body: Schema = {"anyOf": [*one, {"type": "array", "minItems": 1, "items": {"anyOf": one}}]}
    where = f"<{section.tag}{' ' + section.argument if section.argument else ''}>"
    if takes_argument(section, scope):
        body = {"anyOf": [{"type": ["object", "null"], "additionalProperties": body}]}
    schema: Schema = {"description": f"The section {where}. {section.notes or ''}".strip(), **body}
    return {**schema, "deprecated": True} if section.status != "current" else schema
