"""Whatever is in a stack's files: a stack or findings, never another exception, and nothing out of its line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmtaform.stack import check_stack, compile_host, render

VOCABULARY = """
config domain virtual-mta smtp-pattern-list spool smtp-listener aliases domain-macro include hosts mta1 vars native
dkim-keys for-each groups max-smtp-out postmaster records secret value 1..3 ${n} ${host} $${ ${ null ~ yes 5 *.x
example.com/s1 lifecycle ignore limits ssh port transport local root signs private-key env:X <x> # 0/0
"""
WORDS = st.sampled_from(VOCABULARY.split())
TEXTS = WORDS | st.text(max_size=8)
TREES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=15
)


def as_yaml(node: object) -> str:
    """Flow YAML with every text quoted or, now and then, plain."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(as_yaml, node)) + "]"
    text = str(node)
    if text.isascii() and text.replace("-", "").isalnum():
        return text
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


def check(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        folder.mkdir()
        (folder / "main.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        stack, result = check_stack(folder)
        assert all(item.code != "internal" for item in result)
        if not any(item.severity == "error" for item in result):
            for host in stack.hosts:
                render(compile_host(stack, host))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(TREES)
def test_any_tree(tree: object) -> None:
    check(as_yaml(tree))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(TEXTS, TREES, max_size=3), st.dictionaries(TEXTS, TREES, max_size=3))
def test_any_config_and_keys(config: dict[str, object], keys: dict[str, object]) -> None:
    tree = {"hosts": {"mta1": {"transport": "local", "root": "r", "dkim-keys": keys}}, "config": config}
    check(as_yaml(tree))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    check(text)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_a_value_never_becomes_another_line(name: str, value: str) -> None:
    quoted = as_yaml({"$" + name: value, "${v}": value})[1:-1]
    text = f"hosts: {{mta1: {{transport: local, root: r}}}}\nvars: {{v: {as_yaml(value)}}}\n"
    text += f"config:\n  log-file: {as_yaml(value)}\n  domain:\n    a.example: {{queue-to: {as_yaml(value)}}}\n"
    text += f"  virtual-mta: {{{quoted.split(': ')[0]}: {{host-name: {as_yaml(value)}}}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "demo"
        place.mkdir()
        (place / "main.yaml").write_text(text, encoding="utf-8")
        stack, result = check_stack(place)
        if not any(item.severity == "error" for item in result):
            addresses = {address.kind for address in compile_host(stack, "mta1").blocks}
            assert addresses <= {"setting", "domain", "virtual-mta"}
