"""Sections in another form: in braces, without their tags, or lists under the wrong tag. One finding for each."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.language import BRACE
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.inventions import inventions
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.model import ERROR, Family, Fix, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, on_words
from pmtaform.lang.lint.recovered import Meant, WordForm
from pmtaform.lang.lint.references import references
from pmtaform.lang.splices import Splice
from pmtaform.lang.tree import Directive, Tree


@Rule(
    code=BRACE.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=BRACE.summary,
    explanation=BRACE.explanation,
    basis="How PowerMTA reads a line: guide 3.1 (docs/powermta/language.md section 1).",
    reads=on_words("{", "}"),
    wrong="""
        domain example.com {
          max-smtp-out 5
        }
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
)
def brace(facts: Facts) -> Iterator[Hit]:
    seen: set[tuple[str, int]] = set()
    for meant in facts.meant:
        if meant.form is WordForm.BRACES:
            seen.update((meant.tree.path, line) for line in range(meant.section.line, meant.section.end + 1))
            yield _hit(meant, f"PowerMTA has no blocks in braces. {_form(meant)}", "{", _brace_fix(meant))
    for tree in facts.configuration.trees.values():
        yield from _other_braces(tree, seen)


def _other_braces(tree: Tree, seen: set[tuple[str, int]]) -> Iterator[Hit]:
    """Braces around no section: each pair once, where it opens."""
    opened = 0
    for diagnostic in tree.diagnostics:
        line = diagnostic.place.line if diagnostic.place is not None and tree.origins is None else None
        if not BRACE.describes(diagnostic) or (tree.path, line or 0) in seen:
            continue
        if line is not None and opened and _raw(tree, line).split("#", 1)[0].strip() == "}":
            opened -= 1
            continue
        opened += 1
        yield Hit(tree=tree, line=line, detail=diagnostic.detail, place=diagnostic.place)


@Rule(
    code="section-without-tags",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Section without tags",
    explanation="Indentation means nothing to PowerMTA: it reads the lines as part of the section around them.",
    basis="How PowerMTA reads a line: guide 3.1 (docs/powermta/language.md section 1).",
    reads=BLOCK,
    wrong="""
        domain example.com:
          max-smtp-out 5
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
)
def section_without_tags(facts: Facts) -> Iterator[Hit]:
    for meant in facts.meant:
        if meant.form is WordForm.NO_TAGS:
            section = meant.section
            first = section.line + 1
            lines = f"lines {first} to {section.end}" if section.end > first else f"line {first}"
            detail = (
                f"Indented lines do not belong to the line above: PowerMTA reads {lines} as if this line were not "
                f"there. {_form(meant)}"
            )
            yield _hit(meant, detail, meant.tree.lines[section.line - 1].split()[0])


def _form(meant: Meant) -> str:
    """What to write instead of a block."""
    section = meant.section
    spec, known = catalogue().section(section.tag), inventions().section(section.tag)
    if spec is None:
        return known.remedy if known is not None else f"There is no section <{values.shown(section.tag)}>, either."
    argument = f" {section.argument or spec.argument}" if section.argument or spec.argument_required else ""
    return f"Write `<{section.tag}{values.shown(argument)}>` in its place, and `</{section.tag}>` where it ends."


def _brace_fix(meant: Meant) -> tuple[Fix, ...] | None:
    """Tags in place of the braces, where these are alone at the ends of their lines."""
    section, tree = meant.section, meant.tree
    argument = f" {section.argument}" if section.argument else ""
    if catalogue().section(section.tag) is None or values.argument_problem(section.tag, section.argument):
        return None
    head, end = _raw(tree, section.line), _raw(tree, section.end)
    if not section.closed or not head.rstrip().endswith("{") or end.strip() != "}":
        return None
    return (
        _line(tree, section.line, head, f"<{section.tag}{argument}>"),
        *_without_semicolons(meant),
        _line(tree, section.end, end, f"</{section.tag}>"),
    )


def _without_semicolons(meant: Meant) -> Iterator[Fix]:
    for node in meant.section.children:
        raw = _raw(meant.tree, node.line)
        if isinstance(node, Directive) and raw.endswith(";"):
            yield _line(meant.tree, node.line, raw, raw.strip().rstrip("; \t"))


def _raw(tree: Tree, number: int) -> str:
    return tree.lines[number - 1].rstrip("\r\n")


def _line(tree: Tree, number: int, raw: str, text: str) -> Fix:
    indent, end = raw[: len(raw) - len(raw.lstrip())], tree.lines[number - 1][len(raw) :]
    return Fix(tree.path, Splice(number - 1, number, (indent + text + end,)))


@Rule(
    code="other-kind-of-list",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Rule of another kind of list",
    explanation=(
        "A list accepts its own kind of rules only. Any other line is malformed, and PowerMTA does not load the "
        "configuration."
    ),
    basis="guide 3.3.14, 3.3.15",
    reads=on_words("<pattern-list", "<smtp-pattern-list", "pattern-list"),
    wrong="""
        <pattern-list senders>
          reply /^421 / mode=backoff
        </pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^421 / mode=backoff
        </smtp-pattern-list>
    """,
)
def other_kind_of_list(facts: Facts) -> Iterator[Hit]:
    for meant in facts.meant:
        if meant.form is not WordForm.OTHER_LIST:
            continue
        section = meant.section
        users = [r for r in references(facts).all if r.noun == section.tag and r.name == section.argument]
        named = f", and {users[0].line.name} names it" if users else ""
        was = "pattern-list" if section.tag == "smtp-pattern-list" else "smtp-pattern-list"
        rules = "on replies" if section.tag == "smtp-pattern-list" else "on senders, recipients and headers"
        detail = (
            f"<{was} {values.shown(section.argument)}> holds rules {rules}{named}: it is a <{section.tag}>. "
            f"Write `<{section.tag} {values.shown(section.argument)}>` and `</{section.tag}>`."
        )
        related = tuple(user.line.place for user in users[:1])
        yield _hit(meant, detail, was, _rename_fix(meant, was), related=related)


def _rename_fix(meant: Meant, was: str) -> tuple[Fix, ...] | None:
    section, tree = meant.section, meant.tree
    head, end = _raw(tree, section.line), _raw(tree, section.end)
    if tree.origins is not None or not section.closed or "#" in head + end or section.lead is not None:
        return None
    if not head.strip().lower().startswith(f"<{was}") or end.strip().lower() != f"</{was}>":
        return None
    argument = f" {section.argument}" if section.argument else ""
    return (
        _line(tree, section.line, head, f"<{section.tag}{argument}>"),
        _line(tree, section.end, end, f"</{section.tag}>"),
    )


def _hit(
    meant: Meant, detail: str, mark: str, fix: tuple[Fix, ...] | None = None, *, related: tuple[Place, ...] = ()
) -> Hit:
    return Hit(tree=meant.tree, line=meant.section.line, detail=detail, mark=mark, fix=fix, related=related)
