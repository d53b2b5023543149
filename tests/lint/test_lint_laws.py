"""Whatever is in a file: lint answers, and answers the same again."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.includes import read_configuration, single
from pmtaform.lang.inventions import inventions
from pmtaform.lang.lint import FileFacts, Subject, apply_fixes, lint, rules
from pmtaform.lang.parsing import parse, parse_bytes
from pmtaform.report.lint_documents import github_lint, json_lint, junit_lint
from pmtaform.report.lint_sarif import sarif_lint
from pmtaform.report.lint_text import lint_text

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file() and path.name != "INDEX.tsv")
GOLDEN = Path(__file__).parent / "cases" / "corpus"

NAMES = sorted(catalogue().all_names | set(inventions().directives))
TAGS = sorted({*catalogue().sections, *inventions().sections})
VALUES = [
    "", "yes", "no", "on", "0", "1", "0/0", "10/8", "::/0", "192.0.2.1", "192.0.2.1 a.example", "a.example",
    "*", "$m", "a $m", "//", "/a(/ mode=backoff", "/x/i y", "//  mode=backoff", "/a/ virtual-mta=v", "10/M",
    "3000/hour", "5/h", "0/0 admin", "s,*,/k", "s,a.example,/k", "=", "= x", '""', '"', "v", "L", "max",
    "x # y", "0/0:25 source=v", "1h,2h", "never", "call-to: L", "<pattern-list>", "</domain>", "<!-- x -->",
    "{", "\udcff", "\x1b[31m", "[127.0.0.1]:25", "/a/ b /c/ d", "*.a b.rollup", "9" * 30,
]  # fmt: skip
_line = st.one_of(
    st.builds(lambda name, value: f"{name} {value}\n", st.sampled_from(NAMES), st.sampled_from(VALUES)),
    st.builds(lambda tag, value: f"<{tag} {value}>\n", st.sampled_from(TAGS), st.sampled_from(VALUES)),
    st.builds(lambda tag: f"</{tag}>\n", st.sampled_from(TAGS)),
    st.sampled_from(
        [
            "include /b\n",
            "include /c*\n",
            "# pmtaform: ignore open-relay\n",
            "/a #b/ c\n",
            "reply /a\n",
            "b/ x\n",
            "domain x {\n",
            "}\n",
            "{\n",
            "domain x { max-smtp-out 5; }\n",
            "<port>25</port>\n",
            "{{ x }} y\n",
            "<domain a> max-smtp-out 5 </domain>\n",
            "</domain></virtual-mta>\n",
            "<domain b> x\n",
            "<% x %>\n",
            "virtual-mta a\n",
            "  smtp-source-host 192.0.2.1 a\n",
            "  reply /a/ mode=backoff\n",
            '"a" b\n',
            "a,b\n",
            "<include /b>\n",
            "<domain x/>\n",
            "#!/bin/sh\n",
            "a: b\n",
            "host-name $X __Y__\n",
        ]
    ),
    st.text(max_size=20).map(lambda text: text + "\n"),
)
_file = st.lists(_line, max_size=15).map("".join)


@given(_file, _file, st.booleans(), st.sampled_from([None, "4.0", "4.5", "5.0r1", "6.0"]))
@settings(deadline=None)
def test_no_input_makes_it_raise(main, other, whole, version):
    files = {"/a": main.encode("utf-8", "surrogatepass"), "/b": other.encode("utf-8", "surrogatepass")}
    files["/c1"] = files["/b"]
    configuration = read_configuration("/a", files, {"/c*": ["/c1"]})
    subject = Subject(configuration=configuration, whole=whole, version=version, files={"/k": FileFacts(mode=0o666)})
    every = [rule.code for rule in rules().values() if rule.optional]
    findings = lint(subject, enabled=every)
    assert findings == lint(subject, enabled=every)
    apply_fixes(configuration, findings)
    keys = [(f.rule.code, f.place.file, f.place.line, f.detail) for f in findings]
    assert len(keys) == len(set(keys))
    for write in (json_lint, sarif_lint, junit_lint, github_lint):
        write(findings).encode("utf-8")
    lint_text(findings, source=lambda place: configuration.trees[place.file].lines[(place.line or 1) - 1]).encode(
        "utf-8"
    )


@given(st.text())
@settings(deadline=None)
def test_any_text(text):
    lint(Subject(configuration=single(parse(text, "/a"))))


@given(st.binary())
@settings(deadline=None)
def test_any_bytes(content):
    lint(Subject(configuration=single(parse_bytes(content, "/a"))))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_the_corpus(path):
    """Every published configuration: an answer, the same each time, with columns inside the lines."""
    tree = parse_bytes(path.read_bytes(), path.name)
    subject = Subject(configuration=single(tree))
    findings = lint(subject)
    assert findings == lint(subject)
    for finding in findings:
        if finding.place.column is not None and finding.end_column is not None:
            line = tree.lines[finding.place.line - 1].rstrip("\r\n")
            assert 1 <= finding.place.column < finding.end_column <= len(line) + 1
    configuration = single(tree)
    for edit in apply_fixes(configuration, lint(Subject(configuration=configuration))).values():
        assert edit.text != str(tree)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_golden(path):
    """The whole answer for a published configuration, as people see it."""
    tree = parse_bytes((CORPUS / f"{path.stem}.conf").read_bytes(), f"{path.stem}.conf")
    text = lint_text(lint(Subject(configuration=single(tree))), source=lambda place: tree.lines[(place.line or 1) - 1])
    assert text == path.read_text(encoding="utf-8")


def test_sharing_a_file_many_times_over_ends():
    """Files that include others twice, and those others again: the walk is bounded."""
    files = {
        f"/{n}": f"include /{n + 1}\n<virtual-mta v>\ninclude /{n + 1}\n</virtual-mta>\n".encode() for n in range(14)
    }
    files["/14"] = b"host-name a.example\n" * 50
    configuration = read_configuration("/0", files)
    assert lint(Subject(configuration=configuration))


@pytest.mark.parametrize("rule", rules().values(), ids=rules())
def test_each_rule_alone(rule):
    tree = parse_bytes((CORPUS / "020-ai-braces-heredoc-vps2.conf").read_bytes(), "/a")
    findings = lint(Subject(configuration=single(tree)), only=[rule.code])
    assert {finding.rule.code for finding in findings} <= {rule.code}


@pytest.mark.parametrize("name", NAMES)
def test_a_directive_without_its_value_is_looked_at(name: str) -> None:
    lint(Subject(configuration=single(parse(f"{name}\n<source {{a}}>\n{name}\n</source>\n"))))
